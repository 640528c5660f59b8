"""Holds: stock kept for a quote while its shopper checks out; the order takes it over, time or the next buyer ends it."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from chalicelib.order import events
from chalicelib.order.model.allocation import Shelf, now_so, share_out
from chalicelib.order.model.hold import Held, Holding, held, released, still_held
from chalicelib.order.model.quote import Quote, QuoteToday
from chalicelib.order.model.reservation import Lapsed
from chalicelib.order.model.stock import Level, Movement, Spot
from souk.errors import Missing, Refused, TooMany
from souk.events import Event


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be held: whoever holds, keeps it from others and pays nothing for it."""

    lasts: timedelta = timedelta(minutes=15)  # nothing at all is held where this is nothing
    units: int = 20  # of all SKUs of a quote together
    quotes: int = 10  # at once, asked from one address


class HoldBooks(Protocol):
    """Quotes, stock and holds in one transaction."""

    def turn(self, holder: str) -> datetime:
        """Wait until nobody else holds stock in that name, before any other lock; return the store's time."""

    def now(self) -> datetime:
        """Return the store's time."""

    def quote(self, quote_id: str) -> QuoteToday | None:
        """Return a quote."""

    def lock_goods(self, skus: Collection[str]) -> list[Shelf]:
        """Lock all rows of these SKUs, wherever they lie, in SKU order until the transaction ends."""

    def expire(self, spots: Collection[Spot]) -> Lapsed:
        """Release what is kept of the locked rows and whose time is up, and cancel the orders among it."""

    def move(self, movements: Sequence[Movement]) -> list[Level]:
        """Move locked stock. Raises Short."""

    def holding(self, quote_id: str, holder: str) -> Holding:
        """Return what was ever held for a quote, whether it was ordered by, and how many others this holder has held."""

    def add_holds(self, holds: Sequence[Held]) -> None:
        """Keep what is held."""

    def release(self, quote_id: str) -> list[Held]:
        """End what is held for a quote; its rows of stock are locked. Return what that was."""

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""


def hold(quote_id: str, *, holder: str, bounds: Bounds, books: HoldBooks) -> list[Held]:
    """Hold stock for a quote, once; asked again, return what is held.

    Raises Missing, Refused when it is too much, over or held before, Short, TooMany.
    """
    quote = _quote(quote_id, books)
    now = books.turn(holder)
    _check(quote, bounds, now)
    shelves = books.lock_goods(quote.wanted)
    known = books.holding(quote_id, holder)
    if known.held:
        return still_held(known.held, now)
    if known.ordered:
        raise Refused("an order was placed by this quote", code="quote-used")
    if known.others >= bounds.quotes:
        raise TooMany("so much is held for you that no more can be", retry_after=60)
    lapsed = books.expire([one.level.spot for one in shelves if one.due])
    shares = share_out(quote.wanted, now_so(shelves, lapsed.levels), today=now.date())
    made = held(quote_id, shares, until=min(quote.expires_at, now + bounds.lasts), holder=holder)
    taken = [one.taking() for one in made]
    moved = books.move(taken)
    books.add_holds(made)
    lost = [events.order_lapsed(one, now) for one in lapsed.orders]
    books.tell(*lost, *events.stock_moved(taken, moved, now, freed=lapsed.levels))
    return made


def give_back(quote_id: str, *, books: HoldBooks) -> None:
    """End what is held for a quote, if anything is. Raises Missing."""
    quote = _quote(quote_id, books)
    books.lock_goods(quote.wanted)
    moved = books.move(released(books.release(quote_id)))
    books.tell(*events.stock_changed(moved, books.now()))


def _quote(quote_id: str, books: HoldBooks) -> Quote:
    earlier = books.quote(quote_id)
    if earlier is None:
        raise Missing("there is no such quote")
    return earlier.quote


def _check(quote: Quote, bounds: Bounds, now: datetime) -> None:
    if not bounds.lasts:
        raise Refused("nothing is held before it is ordered", code="no-holds")
    if not quote.is_open_at(now):
        raise Refused("the quote has expired", code="quote-expired")
    if sum(quote.wanted.values()) > bounds.units:
        raise Refused(f"no more than {bounds.units} units are held before they are ordered", code="too-many-units")
