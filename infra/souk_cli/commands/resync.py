"""`souk resync`: let services tell again how things are now."""

from __future__ import annotations

import json

import click

from souk_local.services import SERVICES


@click.command("resync")
@click.argument("services", nargs=-1, type=click.Choice(SERVICES))
@click.option("--since", help="Only what changed since: 30m, 2h, 7d ago or a date.")
@click.option("--stage", help="The stage; this machine's when not given.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def command(*, services: tuple[str, ...], since: str | None, stage: str | None, as_json: bool) -> None:
    """Let SERVICES (all when none is named) emit the current state of what they own.

    For a replica that was lost, a new search index, an emptied graph, or a consumer that was added later. A running bridge
    does the sending. Of orders it is told that they were placed, as often as one likes: who counted one knows it.
    """
    from souk.clock import utcnow
    from souk_cli.moments import moment
    from souk_cli.resync import resync

    told = resync(services, since=moment(since, utcnow()) if since else None, stage=stage)
    if as_json:
        click.echo(json.dumps(told))
        return
    for service, number in told.items():
        click.echo(f"{service:<9} " + ("has nothing to tell" if number is None else f"{number} events will be sent"))
