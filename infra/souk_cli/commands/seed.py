"""`souk seed`: real shopping data for the local stack."""

from __future__ import annotations

import click

SIZES = ("sample", "full")
INTERRUPTED = 130  # what a shell says of a command that Ctrl-C ended


@click.command("seed")
@click.option("--size", type=click.Choice(SIZES), default="sample", show_default=True, help="How much of it.")
def command(size: str) -> None:
    """Load real shopping data, a year of grocery baskets, into the running stack.

    sample: the 2,000 best-selling products, 100 households, 2,000 baskets. full: all 92,331 products, 2,467 households
    and their baskets, in minutes. What is there already stays; a broken run continues when it is started again. The
    households sign in as household<number>@example.com, for example 1467, with the password a-household-of-this-shop.
    """
    from rich.console import Console

    from souk_cli.seed.run import seed

    console = Console()
    try:
        console.print(seed(size, console))
    except KeyboardInterrupt:
        console.print("stopped; what is loaded stays, and the same command goes on from here")
        raise SystemExit(INTERRUPTED) from None
