"""`souk migrate`: bring the stores' schemas up to date."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from souk.errors import Refused
from souk.stages import HERE, LOCAL
from souk_cli import target
from souk_cli.migrate import STORES, migrate
from souk_local.services import SERVICES


@click.command("migrate")
@click.argument("services", nargs=-1, type=click.Choice(SERVICES))
@click.option(
    "--stage",
    default=LOCAL,
    show_default=True,
    help="Another than local and serve takes addresses from the environment.",
)
def command(services: tuple[str, ...], stage: str) -> None:
    """Apply the migrations of SERVICES (all of them when none is named) that were not applied yet."""
    wanted = services or SERVICES
    settings = settings_of(stage, wanted)
    applied = 0
    for service in wanted:
        for name in migrate(service, settings, say=lambda text: click.echo(f"warning: {text}", err=True)):
            applied += 1
            click.echo(f"{service:<9} {name}")
    click.echo(f"{applied} applied" if applied else "everything is up to date")


def settings_of(stage: str, services: Sequence[str]) -> Mapping[str, str]:
    """Return the addresses of a stage's stores: the local stack's own, else the environment's.

    Raises Refused for a store elsewhere that the environment does not name: it would be passed over as up to date.
    """
    if stage in HERE:
        import souk_local

        return souk_local.connections(souk_local.here())
    goal = target.of(stage)
    if lacking := [name for name in goal.lacking(services) if name.endswith(tuple(STORES.values()))]:
        raise Refused(f"these settings are missing: {', '.join(lacking)}")
    return goal.settings
