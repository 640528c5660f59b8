"""Reservations: stock that is kept for an order until its money comes or its time is up."""

from datetime import date, datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from chalicelib.order.model.allocation import Share
from chalicelib.order.model.stock import Level, Spot

HOLD = timedelta(minutes=30)  # how long stock waits for the money


class Hold(StrEnum):
    """What became of a reservation."""

    HELD = "held"  # until the money comes, or time is up
    COMMITTED = "committed"  # paid for
    SHIPPED = "shipped"
    RELEASED = "released"
    EXPIRED = "expired"


KEEPING = frozenset({Hold.HELD, Hold.COMMITTED})  # stock counts these as reserved


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """Stock of one location kept for an order; several locations may share a line."""

    sku: str
    location: str
    quantity: int
    state: Hold
    held_until: datetime
    shipped: int = 0
    awaited: int = 0  # that were not there yet when they were reserved
    due_on: date | None = None
    preorder: bool = False

    @property
    def spot(self) -> Spot:
        """Which row of stock."""
        return Spot(self.sku, self.location)

    @property
    def unsent(self) -> int:
        """How many have not been shipped yet."""
        return self.quantity - self.shipped

    @classmethod
    def of(cls, share: Share, *, until: datetime) -> "Reservation":
        """Hold a share of stock until then."""
        return cls(
            sku=share.spot.sku,
            location=share.spot.location,
            quantity=share.quantity,
            state=Hold.HELD,
            held_until=until,
            awaited=share.awaited,
            due_on=share.due_on,
            preorder=share.preorder,
        )

    def sending(self, quantity: int) -> "Reservation":
        """Return it with so many more shipped."""
        if not quantity:
            return self
        state = Hold.SHIPPED if quantity == self.unsent else self.state
        return replace(self, shipped=self.shipped + quantity, state=state)


class LapsedOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order that was cancelled because its money did not come in time."""

    id: str
    customer_id: str | None
    version: int


class Lapsed(msgspec.Struct, frozen=True, kw_only=True):
    """What became free because time was up: rows of stock, and the orders that were cancelled for it."""

    levels: tuple[Level, ...] = ()
    orders: tuple[LapsedOrder, ...] = ()
