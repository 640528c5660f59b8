"""Counting what is sold, once per order: what sells best is shown first where nothing better is known."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class Sale(Struct, frozen=True, kw_only=True):
    """So many pieces of a SKU, in one order."""

    sku: str
    product_id: str
    quantity: int


class Receipt(Struct, frozen=True, kw_only=True):
    """What one order sold."""

    order_id: str
    sales: list[Sale]


class Counters(Protocol):
    """Counts pieces per product and SKU."""

    def count(self, receipts: Sequence[Receipt]) -> None:
        """Count the orders that were not counted before; claim and count in one transaction. Raises Unavailable."""
        ...
