"""Stock as it is shown: to staff what lies where and why, to shoppers what is not there yet."""

from datetime import date, datetime
from typing import Annotated

import msgspec

from chalicelib.order.model.allocation import Share
from chalicelib.order.model.hold import Held
from chalicelib.order.model.reservation import Reservation
from chalicelib.order.model.stock import LedgerEntry, Level, Why
from souk.ids import id_of


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of a SKU that are not there yet; a pre-order is one of what is not out yet."""

    sku: str
    quantity: int
    due_on: date | None
    preorder: bool

    @classmethod
    def of(cls, kept: "Reservation | Held | Share") -> "Awaited":
        """Show what of something that is kept is not there yet."""
        sku = kept.spot.sku
        return cls(sku=sku, quantity=kept.awaited, due_on=kept.due_on, preorder=kept.preorder)


class StockView(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a SKU there is at a location, and how much of it can still be promised."""

    sku: str
    location: str
    on_hand: int
    reserved: int
    backorder: int
    available: int
    low_at: Annotated[int | None, msgspec.Meta(description="`stock.low` is told when no more are left")]
    expected_on: Annotated[date | None, msgspec.Meta(description="when more comes")]
    released_on: Annotated[date | None, msgspec.Meta(description="before this day it is sold in advance")]
    version: int
    changed_at: datetime

    @classmethod
    def of(cls, level: Level) -> "StockView":
        """Show a row of stock."""
        return cls(**msgspec.structs.asdict(level), available=level.available)


class LedgerView(msgspec.Struct, frozen=True, kw_only=True):
    """A movement as staff see it. Whoever knows a quote's id may order by it, so it is its shopper's alone."""

    id: int
    on_hand: Annotated[int, msgspec.Meta(description="by how much it changed, as do the two below")]
    reserved: int
    backorder: int
    why: Why
    order_id: str | None
    hold: Annotated[str | None, msgspec.Meta(description="the same for all that was held for one quote")]
    note: str
    by: str
    at: datetime

    @classmethod
    def of(cls, entry: LedgerEntry) -> "LedgerView":
        """Show a movement."""
        return cls(
            id=entry.id,
            on_hand=entry.on_hand,
            reserved=entry.reserved,
            backorder=entry.backorder,
            why=entry.why,
            order_id=entry.order_id,
            hold=None if entry.quote_id is None else id_of("hold", entry.quote_id),
            note=entry.note,
            by=entry.by,
            at=entry.at,
        )
