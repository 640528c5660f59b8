"""Resync: tell again how products are, for a consumer that lost what it knew, a new one, or an emptied index."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from chalicelib.product import live
from chalicelib.product.events import standing
from chalicelib.product.model import Product
from souk.clock import utcnow
from souk.events import Event

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Tellable(Protocol):
    """Keeps products whose outboxes can be added to."""

    def touched(self, since: datetime) -> Iterable[list[Product]]:
        """Return, in batches, the products that anything changed about since a moment."""
        ...

    def tell(self, said: Sequence[tuple[Product, Sequence[Event]]]) -> int:
        """Add events to products that are still at the version they tell of; return to how many."""
        ...


def resync(since: datetime | None, *, store: Tellable = live.all_products) -> int:
    """Tell again of what changed since then (None: of everything); return of how many products.

    One that staff change meanwhile is left out: the change tells of itself.
    """
    return sum(
        store.tell([(one, standing(one, utcnow())) for one in batch]) for batch in store.touched(since or BEGINNING)
    )
