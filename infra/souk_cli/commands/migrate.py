"""`souk migrate`: bring the stores' schemas up to date."""

from __future__ import annotations

import os
from collections.abc import Mapping

import click

from souk_cli.apps import SERVICES
from souk_cli.migrate import migrate


@click.command("migrate")
@click.argument("services", nargs=-1, type=click.Choice(SERVICES))
@click.option(
    "--stage", default="local", show_default=True, help="Another than local takes addresses from the environment."
)
def command(services: tuple[str, ...], stage: str) -> None:
    """Apply the migrations of SERVICES (all of them when none is named) that were not applied yet."""
    settings = settings_of(stage)
    applied = 0
    for service in services or SERVICES:
        for name in migrate(service, settings, say=lambda text: click.echo(f"warning: {text}", err=True)):
            applied += 1
            click.echo(f"{service:<9} {name}")
    click.echo(f"{applied} applied" if applied else "everything is up to date")


def settings_of(stage: str) -> Mapping[str, str]:
    """Return the addresses of a stage's stores: the local stack's own, else the environment's."""
    if stage != "local":
        return os.environ
    import souk_local

    return souk_local.connections(souk_local.here())
