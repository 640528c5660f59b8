"""`souk down`: end the local stack, or parts of it."""

from __future__ import annotations

import click

from souk_local import stack


@click.command("down")
@click.argument("parts", nargs=-1)
def command(parts: tuple[str, ...]) -> None:
    """End the local stack, or only PARTS of it; the data stay."""
    whole = stack.here()
    whole.down(whole.parts(parts), say=stack.Progress(click.echo))
    click.echo("the stack is down" if not parts else f"down: {', '.join(parts)}")
