"""`souk env`: what a shell needs to use the local stack."""

from __future__ import annotations

import json
import os
import shlex

import click

import souk_local
from souk_local.stack import Stack


@click.command("env")
@click.option("--settings", is_flag=True, help="The services' connection settings too; they hold secrets.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def command(*, settings: bool, as_json: bool) -> None:
    """Print `export` lines: eval "$(souk env)", then plain chalice and aws commands use the local stack."""
    stack = souk_local.here()
    wanted = {**souk_local.environment(stack.site), **(souk_local.connections(stack) if settings else {})}
    wanted["PATH"] = path(stack)
    if as_json:
        click.echo(json.dumps(wanted, indent=2))
        return
    for name, value in wanted.items():
        click.echo(f"export {name}={shlex.quote(value)}")


def path(stack: Stack) -> str:
    """Return the search path with the development environment's programs in front."""
    ours = str(stack.layout.root / ".venv" / "bin")
    others = [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if folder != ours]
    return os.pathsep.join([ours, *others])
