"""`souk up`: start the local stack, or parts of it."""

from __future__ import annotations

import time

import click

from souk_local import stack
from souk_local.errors import StackError


@click.command("up")
@click.argument("parts", nargs=-1)
@click.option("--engine", help="native or docker; chosen by itself when not given.", envvar="STACK")
def command(parts: tuple[str, ...], engine: str | None) -> None:
    """Start the local stack, or only PARTS of it.

    PARTS are postgres mongo search graph redis rabbitmq localstack gateway bridge. What runs already stays as it is;
    what was killed comes back with its data, and what was deployed on a LocalStack that forgot it is deployed again.
    """
    began = time.monotonic()
    whole = stack.here(engine)
    names = whole.parts(parts)
    if whole.settled(names):
        click.echo(f"everything is up already ({time.monotonic() - began:.1f} s)")
        return
    from souk_cli import deploy  # its import is slow, and only needed here

    lost = whole.up(names, redeploy=deploy.redeploy, say=stack.Progress(click.echo))
    if refused := [name for name in parts if name in lost]:
        raise StackError(f"not up: {', '.join(refused)}")  # who asks for it by name wants it, or to know
    click.echo(f"the stack is up ({time.monotonic() - began:.1f} s)")
    for name in lost:
        click.echo(f"warning: without {name}; the services work in their degraded way", err=True)
