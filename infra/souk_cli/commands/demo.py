"""`souk demo`: everything from nothing to a shopping journey."""

from __future__ import annotations

import sys

import click


@click.command("demo")
@click.option("--base", help="Play the journey against a shop that runs already, such as `souk serve`'s address.")
@click.option("--no-seed", is_flag=True, help="Don't load data; it has to be there already.")
def command(*, base: str | None, no_seed: bool) -> None:
    """Set up everything, load real shopping data, deploy, and play a shopping journey over HTTP.

    What is there already is used again, so that a second run takes seconds. The stack stays up; `souk down` stops it.
    """
    from rich.console import Console

    from souk_cli.demo.run import demonstrate
    from souk_cli.demo.shop import Unexpected
    from souk_local.patience import InVain

    try:
        demonstrate(Console(), base=base, seed=not no_seed)
    except (Unexpected, InVain) as error:
        click.echo(f"souk: the journey broke off: {error}", err=True)
        sys.exit(1)
