"""`souk admin`: what has to be done before anybody can sign in."""

from __future__ import annotations

import click


@click.group()
def command() -> None:
    """Make the first member of staff."""


@command.command()
@click.option("--email", prompt=True, help="The address to sign in with.")
@click.option("--name", prompt=True, help="The name that others see.")
@click.option(
    "--password",
    prompt=True,
    hide_input=True,
    confirmation_prompt=True,
    envvar="SOUK_OWNER_PASSWORD",
    help="At least 10 characters; asked for when not given. Better in SOUK_OWNER_PASSWORD than in the shell's history.",
)
@click.option("--stage", help="The stage; this machine's when not given.")
def create(email: str, name: str, password: str, stage: str | None) -> None:
    """Make a member of staff who may do everything.

    In the database that ADMIN_DATABASE_URL names, or the file or secret that stands for it, else in the local stack's;
    of a stage elsewhere it has to be said.
    """
    from souk_cli import owner

    member = owner.create(email, name, password, stage=stage)
    click.echo(f"{member.email} may now sign in, with every permission")
