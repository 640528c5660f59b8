"""`souk deploy`: deploy services to the local stack or to AWS."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import click
import msgspec

import souk_local
from souk.stages import LOCAL
from souk_cli import deploy, target
from souk_local import programs
from souk_local.services import SERVICES
from souk_local.stack import Progress


@click.command("deploy")
@click.argument("services", nargs=-1, type=click.Choice(SERVICES))
@click.option("--stage", default=LOCAL, show_default=True, help="local, or the name of a stage on AWS.")
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A JSON file with the settings of a stage on AWS; what it does not name comes from the environment.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(services: tuple[str, ...], stage: str, settings_file: Path | None, *, as_json: bool) -> None:
    """Deploy SERVICES (all six when none is named), with their queues, roles, secrets, layers and migrations.

    What is unchanged stays as it is. A service that fails leaves the others deployed, and the exit code is 1.
    """
    began = time.monotonic()
    progress = Progress(lambda text: click.echo(text, err=as_json))
    if settings_file and stage == LOCAL:
        raise click.UsageError("the local stack knows its own settings; --settings is for a stage on AWS")
    goal = target.of(stage, settings_file)
    outcomes = deploy.deploy(goal, services or SERVICES, say=progress)
    if goal.local and goal.record.exists():
        programs.start_bridge(souk_local.here(), say=progress)
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(outcomes), indent=2))
    else:
        table(outcomes, time.monotonic() - began)
    sys.exit(any(outcome.what == "failed" for outcome in outcomes))


def table(outcomes: list[deploy.Outcome], seconds: float) -> None:
    """Print what came of each service, and why some failed."""
    click.echo(f"\n{'service':<10}{'':<11}{'functions':>9}  {'migrations':>10}  {'health':<8}{'stores'}")
    for one in outcomes:
        click.echo(
            f"{one.service:<10}{one.what:<11}{one.functions or '-':>9}  {len(one.migrations) or '-':>10}  "
            f"{one.health or '-':<8}{one.ready or '-'}"
        )
    for one in outcomes:
        if one.error:
            click.echo(f"\n{one.service} failed:\n{one.error}", err=True)
    same = all(one.what == "unchanged" for one in outcomes)
    click.echo(f"\n{'nothing changed' if same else 'done'} ({seconds:.1f} s)")
