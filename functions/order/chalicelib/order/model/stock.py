"""Stock: how much of a SKU lies where, and the movements by which alone that changes."""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated

import msgspec
from msgspec.structs import replace

from souk.errors import Refused

LOCATION = "default"
SKU = r"^[!-~]{1,64}$(?!\n)"
Sku = Annotated[str, msgspec.Meta(pattern=SKU, description="stock keeping unit")]
Location = Annotated[str, msgspec.Meta(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+$(?!\n)")]
Units = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class Why(StrEnum):
    """Why stock moved: the first six are what staff may say, the others what the shop itself does."""

    RECEIVED = "received"
    COUNTED = "counted"
    DAMAGED = "damaged"
    LOST = "lost"
    RETURNED = "returned"
    CORRECTED = "corrected"
    RESERVED = "reserved"
    RELEASED = "released"
    EXPIRED = "expired"
    SHIPPED = "shipped"
    IMPORTED = "imported"


class Spot(msgspec.Struct, frozen=True, order=True):
    """One SKU at one location: what a row of stock is about, and what locks are taken in the order of."""

    sku: str
    location: str = LOCATION

    @property
    def name(self) -> str:
        """What events call it; no location has a slash in its code."""
        return f"{self.location}/{self.sku}"


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A location; orders take from the one of the lowest rank first. `default` is meant where none is named."""

    code: str
    name: str
    rank: int
    version: int
    changed_at: datetime


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """How much there is: on hand, of that reserved for orders, and how much may be promised beyond what is there.

    Staff are told when no more than `low_at` are left. More comes on `expected_on`; what is ordered before
    `released_on` is sold in advance and sent from that day on.
    """

    sku: str
    location: str
    on_hand: int
    reserved: int
    backorder: int
    version: int
    changed_at: datetime
    low_at: int | None = None
    expected_on: date | None = None
    released_on: date | None = None

    @property
    def spot(self) -> Spot:
        """Which row this is."""
        return Spot(self.sku, self.location)

    @property
    def available(self) -> int:
        """How much can still be promised."""
        return self.on_hand - self.reserved + self.backorder

    @property
    def left(self) -> int:
        """How much of what is there is not promised; less than nothing where more is promised than is there."""
        return self.on_hand - self.reserved

    @property
    def ready(self) -> int:
        """How much can be promised and is there."""
        return max(0, self.left)

    def fell_low(self, movements: Iterable["Movement"]) -> bool:
        """Tell whether it was these movements that made it low: those of other rows are left out."""
        own = [one for one in movements if one.spot == self.spot]
        before = self.left - sum(one.on_hand - one.reserved for one in own)
        return self.low_at is not None and self.left <= self.low_at < before


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the ledger: by how much on hand, reserved and backorder change, and why."""

    sku: str
    location: str = LOCATION
    on_hand: int = 0
    reserved: int = 0
    backorder: int = 0
    why: Why
    order_id: str | None = None
    quote_id: str | None = None
    note: str = ""
    by: str = ""

    @property
    def spot(self) -> Spot:
        """Which row it changes."""
        return Spot(self.sku, self.location)


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A movement as the ledger keeps it."""

    id: int
    on_hand: int  # by how much it changed, as do the two below
    reserved: int
    backorder: int
    why: Why
    order_id: str | None
    quote_id: str | None = None  # of what was held for it
    note: str
    by: str
    at: datetime


class Short(Refused):
    """There is less than a movement needs; `missing` are the rows that could not give it, `available` what is there."""

    code = "short"

    def __init__(self, missing: Iterable[Spot], available: Mapping[Spot, int] = MappingProxyType({})) -> None:
        self.missing = frozenset(missing)
        self.available = available
        names = ", ".join(sorted(spot.sku for spot in self.missing))
        super().__init__(f"there is not enough of {names}")


class Discrepancy(Exception):
    """The books of a row of stock contradict themselves, as where more is kept of it than it has reserved.

    It is among `spots`; no rule allows that.
    """

    def __init__(self, spots: Iterable[Spot]) -> None:
        self.spots = frozenset(spots)
        names = ", ".join(sorted(spot.name for spot in self.spots))
        super().__init__(f"the books contradict themselves about {names}")


def moved(level: Level, movements: Iterable[Movement], now: datetime) -> Level:
    """Return a level after movements. Raises Short where more would be promised than is there, or less than none left."""
    on_hand, reserved, backorder = level.on_hand, level.reserved, level.backorder
    for one in movements:
        on_hand, reserved, backorder = on_hand + one.on_hand, reserved + one.reserved, backorder + one.backorder
    if on_hand < 0 or backorder < 0 or not 0 <= reserved <= on_hand + backorder:
        raise Short([level.spot])
    version = level.version + 1
    return replace(level, on_hand=on_hand, reserved=reserved, backorder=backorder, version=version, changed_at=now)


def is_sku(text: str) -> bool:
    """Tell whether a text can be a SKU."""
    return re.fullmatch(SKU, text) is not None
