"""Expiry: reservations whose money did not come in time go back to stock, and their orders are cancelled."""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from chalicelib.order import events
from chalicelib.order.model.reservation import Lapsed
from chalicelib.order.model.stock import Level, Spot
from souk.events import Event

AT_ONCE = 100  # reservations looked at in one transaction, so that none is long


class Books(Protocol):
    """Stock and orders in one transaction."""

    def now(self) -> datetime:
        """Return the store's time."""

    def due(self, limit: int) -> list[Spot]:
        """Return the rows of stock that have reservations whose time is up."""

    def lock(self, spots: Collection[Spot]) -> list[Level]:
        """Lock rows of stock in SKU order until the transaction ends."""

    def expire(self, spots: Collection[Spot]) -> Lapsed:
        """Release the locked rows' reservations whose time is up, and cancel their orders."""

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""


def sweep(*, books: Callable[[], AbstractContextManager[Books]]) -> int:
    """Release everything whose time is up; return how many orders were cancelled."""
    cancelled = 0
    while True:
        with books() as tx:
            spots = tx.due(AT_ONCE)
            if not spots:
                return cancelled
            tx.lock(spots)
            lapsed = tx.expire(spots)
            now = tx.now()
            tx.tell(
                *(events.order_lapsed(one, now) for one in lapsed.orders), *events.stock_changed(lapsed.levels, now)
            )
        cancelled += len(lapsed.orders)
