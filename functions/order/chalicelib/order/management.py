"""Management: customers list, read and cancel their own orders, staff all of them; the holder of its token reads one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Protocol

import msgspec

from chalicelib.order import events
from chalicelib.order.fulfilment import trail_of
from chalicelib.order.model.listing import Filter, Place, Standing, Summary
from chalicelib.order.model.number import sought
from chalicelib.order.model.order import Cause, Order, Status, may_see
from chalicelib.order.model.stock import Level, Movement
from chalicelib.order.model.submission import Rejection
from souk import paging
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.errors import Forbidden, Missing
from souk.events import Event
from souk.paging import Page, PageQuery

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class OrderQuery(PageQuery, frozen=True, kw_only=True):
    """Which orders to list, newest first: placed `from` a moment on and before `to`.

    `text` is how the number begins, typed as one likes; a slip in a whole number is told.
    """

    status: Status | None = None
    customer: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    since: Moment | None = msgspec.field(name="from", default=None)
    until: Moment | None = msgspec.field(name="to", default=None)
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=32)] | None = None


class Orders(Protocol):
    """Orders to look at."""

    def find(self, order_id: str) -> Order | Rejection | None:
        """Return an order, the rejection that stands in its place, or None while nothing is decided."""

    def standing(self, order_id: str) -> Standing | None:
        """Return at which version an order is, and whose; None while nothing is decided."""

    def recent(self, wanted: Filter, *, before: Place | None, limit: int) -> list[Summary]:
        """Return orders, newest first."""


class CancellationBooks(Protocol):
    """Orders and stock in one transaction."""

    def get(self, order_id: str) -> Order:
        """Return an order for change: its rows of stock are locked first, in SKU order, then itself. Raises Missing."""

    def save(self, order: Order, *events: Event) -> None:
        """Keep a changed order and its events."""

    def move(self, movements: Sequence[Movement]) -> list[Level]:
        """Move locked stock. Raises Short."""


def listed(query: OrderQuery, *, by: Caller, orders: Orders) -> Page[Summary]:
    """Return orders, newest first: all of them to staff, to customers their own."""
    wanted = Filter(
        customer_id=by.subject if by.kind is Kind.CUSTOMER else query.customer,
        status=query.status,
        since=query.since,
        until=query.until,
        text=None if query.text is None else sought(query.text),
    )
    before = paging.unseal(query.cursor, tuple[datetime, str])
    found = orders.recent(wanted, before=before, limit=query.limit + 1)
    return paging.page(found, query.limit, key=lambda order: [order.placed_at, order.id])


def read(order_id: str, *, by: Caller, orders: Orders) -> Order | Rejection | None:
    """Return an order or its rejection to those who may see it; None to its token's holder while it is undecided.

    Raises Missing.
    """
    found = orders.find(order_id)
    _admit(by, order_id, found)
    return found


def version(order_id: str, *, by: Caller, orders: Orders) -> int:
    """Return at which version an order is to those who may see it, 0 while it is undecided. Raises Missing."""
    found = orders.standing(order_id)
    _admit(by, order_id, found)
    return 0 if found is None else found.version


def _admit(by: Caller, order_id: str, found: Order | Rejection | Standing | None) -> None:
    customer_id = None if found is None else found.customer_id
    visible = may_see(by, order_id=order_id, customer_id=customer_id)
    if not visible or (found is None and by.kind is not Kind.ORDER_HOLDER):
        raise Missing("there is no such order")


def cancel(order_id: str, *, by: Origin, now: datetime, books: CancellationBooks) -> Order:
    """Cancel an order of which nothing has been shipped, and give back what it reserved. Raises Missing, Refused."""
    order = books.get(order_id).open_to(by.caller)
    cancelled = order.cancel(_cause(by.caller), now)
    told = events.stock_changed(books.move(order.given_back()), now)
    trail = trail_of(by, "order.cancel", order, cancelled)
    books.save(cancelled, events.order_stepped(cancelled), *told, *trail)
    return cancelled


def _cause(by: Caller) -> Cause:
    if by.kind is Kind.ORDER_HOLDER:
        raise Forbidden("sign in to cancel an order")
    return Cause.STAFF if by.kind is Kind.STAFF else Cause.CUSTOMER
