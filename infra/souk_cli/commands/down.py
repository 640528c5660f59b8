"""`souk down`: end the local stack, or parts of it."""

from __future__ import annotations

import click

from souk_local import stack, store


@click.command("down")
@click.argument("parts", nargs=-1)
def command(parts: tuple[str, ...]) -> None:
    """End the local stack, or only PARTS of it; the data stay."""
    names = [name for name in parts or store.MODULES if store.named(name)]
    stack.here().down(names, say=stack.Progress(click.echo))
