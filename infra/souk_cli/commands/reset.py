"""`souk reset`: remove the data of the local stack."""

from __future__ import annotations

import click

import souk_local
from souk_local.stack import Progress


@click.command("reset")
@click.argument("parts", nargs=-1)
@click.option("--yes", is_flag=True, help="Don't ask.")
@click.option("--all", "everything", is_flag=True, help="Fetched tools (not those of SOUK_TOOLS) and credentials too.")
def command(parts: tuple[str, ...], *, yes: bool, everything: bool) -> None:
    """End the local stack, or only PARTS of it, and remove the data; tools and credentials stay unless --all."""
    stack = souk_local.here()
    names = stack.parts(parts)
    if parts and everything:
        raise click.UsageError("--all is for the whole stack, not for parts of it")
    if not yes:
        click.confirm(f"Remove all data of {', '.join(names)} in {stack.layout.state}?", abort=True)
    stack.down(names, say=Progress(click.echo))
    stack.wipe(names, everything=everything)
    click.echo("all data removed" if not parts else f"the data of {', '.join(names)} removed")
