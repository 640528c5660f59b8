"""Expiry: reservations whose money did not come in time go back to stock, and their orders are cancelled.

A row of stock whose books contradict themselves holds nobody else up: it stays as it is and is told of, once all the rest
is released.
"""

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from chalicelib.order import events
from chalicelib.order.model.reservation import Lapsed
from chalicelib.order.model.stock import Discrepancy, Level, Spot
from souk.errors import Unavailable
from souk.events import Event

AT_ONCE = 100  # reservations looked at in one transaction, so that none is long


class ExpiryBooks(Protocol):
    """Stock and orders in one transaction."""

    def now(self) -> datetime:
        """Return the store's time."""

    def trial(self) -> AbstractContextManager[None]:
        """Undo what is done inside when it raises, and nothing else of the transaction."""

    def due(self, limit: int, *, leaving: Collection[Spot]) -> list[Spot]:
        """Return the rows of stock, but for those to leave alone, that have reservations whose time is up."""

    def lock(self, spots: Collection[Spot]) -> list[Level]:
        """Lock rows of stock in SKU order until the transaction ends."""

    def expire(self, spots: Collection[Spot]) -> Lapsed:
        """Release the locked rows' reservations whose time is up, and cancel their orders. Raises Discrepancy."""

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""


def sweep(*, books: Callable[[], AbstractContextManager[ExpiryBooks]]) -> int:
    """Release everything whose time is up; return how many orders were cancelled.

    Raises Unavailable; Discrepancy, once all is done, for rows whose books contradict themselves.
    """
    cancelled, wrong, at_once = 0, set[Spot](), AT_ONCE
    while True:
        try:
            with books() as tx:
                spots = tx.due(at_once, leaving=wrong)
                if not spots:
                    break
                released = _released_and_told(tx, spots, wrong)
        except Unavailable:
            if at_once == 1:
                raise
            at_once = 1  # so much may be due of so many rows that it does not fit into one statement's time
        else:
            cancelled += released
    if wrong:
        raise Discrepancy(wrong)
    return cancelled


def _released_and_told(tx: ExpiryBooks, spots: Collection[Spot], wrong: set[Spot]) -> int:
    """Release what is due of these rows and tell of it; return how many orders were cancelled."""
    cancelled = 0
    tx.lock(spots)
    for lapsed in _released(tx, spots, wrong):
        now = tx.now()
        tx.tell(*(events.order_lapsed(one, now) for one in lapsed.orders), *events.stock_changed(lapsed.levels, now))
        cancelled += len(lapsed.orders)
    return cancelled


def _released(tx: ExpiryBooks, spots: Collection[Spot], wrong: set[Spot]) -> list[Lapsed]:
    """Release all at once, or each by itself where one of them is wrong; note which is."""
    try:
        with tx.trial():
            return [tx.expire(spots)]
    except Discrepancy:
        if len(spots) > 1:
            return [lapsed for spot in spots for lapsed in _released(tx, [spot], wrong)]
        wrong.update(spots)
        return []
