"""`souk replay`: send again what PostgreSQL outboxes keep."""

from __future__ import annotations

import json

import click

from souk_local.services import SQL_SERVICES


@click.command("replay")
@click.argument("services", nargs=-1, type=click.Choice(SQL_SERVICES))
@click.option("--since", help="From when on: 30m, 2h, 7d ago or a date; seven days when not given, and at most.")
@click.option("--type", "kinds", multiple=True, help="Only events of this type; may be repeated.")
@click.option("--stage", help="The stage; this machine's when not given.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def command(
    *, services: tuple[str, ...], since: str | None, kinds: tuple[str, ...], stage: str | None, as_json: bool
) -> None:
    """Send the events of SERVICES (all when none is named) again; consumers recognise those they had.

    A running bridge does the sending. What is older than seven days is refused: consumers no longer remember it.
    """
    from souk.clock import utcnow
    from souk_cli.moments import moment
    from souk_cli.replay import replay

    marked = replay(services, since=moment(since, utcnow()) if since else None, kinds=kinds, stage=stage)
    if as_json:
        click.echo(json.dumps(marked))
        return
    for service, number in marked.items():
        click.echo(f"{service:<9} {number} events will be sent again")
