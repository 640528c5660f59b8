"""Resync: tell again what there is and what was ordered, for a consumer that lost or never had it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Protocol

from chalicelib.order import events, live
from chalicelib.order.events import OrderPlaced
from chalicelib.order.model.listing import Place
from chalicelib.order.model.stock import Level, Spot
from souk.events import Event

AT_ONCE = 500
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class ResyncBooks(Protocol):
    """Stock, orders and the outbox in one transaction."""

    def now(self) -> datetime:
        """Return the store's time."""

    def changed(self, *, since: datetime, after: Spot, limit: int) -> list[Level]:
        """Return rows that changed since a moment, in SKU order."""

    def placed(self, *, since: datetime, after: Place | None, limit: int) -> list[tuple[Place, OrderPlaced | None]]:
        """Return what there is to say of orders placed since a moment, oldest first, and where each stands.

        Nothing of one that cannot be read.
        """

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""


Opening = Callable[[], AbstractContextManager[ResyncBooks]]


def resync(since: datetime | None = None, *, books: Opening = live.books) -> int:
    """Tell again how much there is of what changed since a moment, and what was ordered since; return how many events.

    Whoever counted an order knows it by its id, so that only who lost it learns of it again.
    """
    return _stock(since or BEGINNING, books) + _orders(since or BEGINNING, books)


def _stock(since: datetime, books: Opening) -> int:
    told, after = 0, Spot("", "")
    while True:
        with books() as tx:
            levels = tx.changed(since=since, after=after, limit=AT_ONCE)
            if not levels:
                return told
            tx.tell(*events.stock_changed(levels, tx.now()))
        told, after = told + len(levels), levels[-1].spot


def _orders(since: datetime, books: Opening) -> int:
    told = 0
    after: Place | None = None
    while True:
        with books() as tx:
            found = tx.placed(since=since, after=after, limit=AT_ONCE)
            if not found:
                return told
            now = tx.now()
            facts = [fact for _, fact in found if fact is not None]
            tx.tell(*(Event.of(fact, aggregate=fact.order_id, version=1, now=now) for fact in facts))
        told, after = told + len(facts), found[-1][0]
