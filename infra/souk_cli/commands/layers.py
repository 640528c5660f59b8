"""`souk layers`: build the Lambda layers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import click

from souk_cli import layers
from souk_local import layout


@click.command("layers")
@click.argument("names", nargs=-1, type=click.Choice(layers.NAMES))
@click.option("--architecture", type=click.Choice(sorted(layers.PLATFORMS)), default=layers.here(), show_default=True)
def command(names: tuple[str, ...], architecture: str) -> None:
    """Build the layers NAMES (all of them when none is named) and tell their sizes."""
    for layer in build_all(names or layers.NAMES, architecture):
        size = layer.zip.stat().st_size / 1e6
        click.echo(f"{layer.name:<14} {size:6.2f} MB  {'built' if layer.fresh else 'unchanged':<10} {layer.sha256}")


def build_all(names: tuple[str, ...], architecture: str) -> list[layers.Layer]:
    """Build layers two at a time into the checkout's build folder."""
    place = layout.find()
    out, cache = place.state / "build" / "layers", place.tools / "layers"
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(lambda name: layers.build(name, out=out, cache=cache, architecture=architecture), names))
