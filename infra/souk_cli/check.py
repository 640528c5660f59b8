"""Asks a service's books whether what must always be true of them is true."""

from __future__ import annotations

from typing import TYPE_CHECKING

from souk_cli import apps, connections

if TYPE_CHECKING:
    from chalicelib.order.checks import Findings


def stock(*, stage: str | None = None) -> Findings:
    """Return what is wrong with the stock, and what was looked at. Raises Unavailable."""
    _adopt_order(stage)
    from chalicelib.order import checks

    return checks.STOCK.run()


def prices(*, stage: str | None = None) -> Findings:
    """Return what is wrong with orders' money and vouchers, and what was looked at. Raises Unavailable."""
    _adopt_order(stage)
    from chalicelib.order import checks

    return checks.PRICES.run()


def _adopt_order(stage: str | None) -> None:
    connections.adopt(stage, only=connections.of_functions)
    apps.reach("order")
