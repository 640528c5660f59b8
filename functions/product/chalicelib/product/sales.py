"""Counting what is sold, once per order: what sells best is shown first where nothing better is known.

A product shows how it sold when that last doubled, in lists and to the index; who asks for the number gets it exactly.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.product.receipts import Receipt

Progress = Callable[[int, int], None]
"""Hears how many are done of how many."""


class Counters(Protocol):
    """Counts pieces per product."""

    def count(self, receipts: Sequence[Receipt], now: datetime) -> None:
        """Count the orders that were not counted before. Raises Unavailable.

        Claim, count, and tell of the products whose sales have doubled, more or less, since they showed them: in one
        transaction.
        """
        ...

    def sold(self, product_ids: Sequence[str]) -> Mapping[str, int]:
        """Return how many pieces were sold of each of these products that ever was."""
        ...


class PastSales(Protocol):
    """Counts what was sold in the past, many orders at a time."""

    def note(self, receipts: Sequence[Receipt]) -> None:
        """Count the orders that were not counted before; claim and count in one transaction."""
        ...

    def add_up(self, say: Progress) -> int:
        """Show on products what was sold of them; return how many showed something else. Raises Unavailable: again, then."""
        ...


def doubled(sold: int, pieces: int) -> bool:
    """Tell whether the last so many pieces brought what was sold past a power of two.

    What sells well is ranked by the logarithm, so that is when the index needs to hear of it.
    """
    return sold.bit_length() != (sold - pieces).bit_length()
