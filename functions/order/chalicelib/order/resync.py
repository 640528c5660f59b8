"""Resync: tell again how much there is of what changed, for a consumer that lost or never had it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Protocol

from chalicelib.order import events, live
from chalicelib.order.model.stock import Level, Spot
from souk.events import Event

AT_ONCE = 500
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Books(Protocol):
    """Stock and the outbox in one transaction."""

    def now(self) -> datetime:
        """Return the store's time."""

    def changed(self, *, since: datetime, after: Spot, limit: int) -> list[Level]:
        """Return rows that changed since a moment, in SKU order."""

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""


def resync(since: datetime | None = None, *, books: Callable[[], AbstractContextManager[Books]] = live.books) -> int:
    """Emit the state of every row of stock that changed since a moment, or of all of them; return how many."""
    since = since or BEGINNING
    told, after = 0, Spot("", "")
    while True:
        with books() as tx:
            levels = tx.changed(since=since, after=after, limit=AT_ONCE)
            if not levels:
                return told
            tx.tell(*events.stock_changed(levels, tx.now()))
        told, after = told + len(levels), levels[-1].spot
