"""`souk check`: ask the stores whether what must always be true is true."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from chalicelib.order.checks import Findings


@click.group("check")
def command() -> None:
    """Check what must always be true, on the stores as they are; anything that is not ends with exit code 1."""


@command.command("stock")
@click.option("--stage", help="The stage; this machine's when not given.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def stock(*, stage: str | None, as_json: bool) -> None:
    """Check that the ledger sums to the stock, that what is reserved is kept for somebody, and nothing is oversold."""
    from souk_cli import check

    _tell(check.stock(stage=stage), as_json=as_json)


@command.command("prices")
@click.option("--stage", help="The stage; this machine's when not given.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def prices(*, stage: str | None, as_json: bool) -> None:
    """Check that every order's money sums, and that vouchers count the orders that use them, within their limits."""
    from souk_cli import check

    _tell(check.prices(stage=stage), as_json=as_json)


def _tell(found: Findings, *, as_json: bool) -> None:
    import msgspec

    if as_json:
        click.echo(msgspec.json.encode(found).decode())
    else:
        for one in found.violations:
            click.echo(f"{one.rule:<10} {one.about}: {one.detail}")
        click.echo(", ".join(f"{number} {name}" for name, number in found.looked_at.items()))
        click.echo(f"{len(found.violations)} violations")
    sys.exit(1 if found.violations else 0)
