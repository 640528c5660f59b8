"""Stock: listed, read, counted and adjusted by staff; every change is a movement in the ledger."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from typing import Annotated, Literal, Protocol

import msgspec
from msgspec.structs import replace

from chalicelib.order import events
from chalicelib.order.model.allocation import Share, Shelf, share_out
from chalicelib.order.model.stock import (
    LOCATION,
    LedgerEntry,
    Level,
    Location,
    Movement,
    Short,
    Spot,
    Units,
    Why,
    is_sku,
)
from souk import paging
from souk.audit import Origin, audited
from souk.errors import Fault, Invalid, Missing
from souk.events import Event
from souk.paging import Page, PageQuery
from souk.versions import as_seen

FIRST = Spot("", "")
MOST = 1_000_000_000
# What staff may say of why stock changes; the rest of Why the shop itself says.
ByStaff = Literal["received", "counted", "damaged", "lost", "returned", "corrected"]


class StockQuery(PageQuery, frozen=True, kw_only=True):
    """Which stock to list; `text` is how the SKU begins."""

    text: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] | None = None


class LedgerQuery(PageQuery, frozen=True, kw_only=True):
    """Which part of the ledger to list."""

    location: Location = LOCATION


class LocationQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At which location."""

    location: Location = LOCATION


class Count(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was counted: how much is on hand, and how much may be promised beyond that (left as it is when not said)."""

    on_hand: Units
    backorder: Units | None = None
    location: Location = LOCATION


class StockTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """On what terms a SKU is sold from a location; what is not said stays, what is null ends.

    `backorder` is how many may be promised beyond what is there; they are expected on `expected_on`. Before
    `released_on` it is sold in advance. `low_at` or fewer left are told of by `stock.low`.
    """

    backorder: Units | msgspec.UnsetType = msgspec.UNSET
    low_at: Units | msgspec.UnsetType | None = msgspec.UNSET
    expected_on: date | msgspec.UnsetType | None = msgspec.UNSET
    released_on: date | msgspec.UnsetType | None = msgspec.UNSET
    location: Location = LOCATION


class Adjustment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By how much stock on hand changes, and why."""

    change: Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)]
    reason: ByStaff
    note: Annotated[str, msgspec.Meta(max_length=500)] = ""
    location: Location = LOCATION


class Stock(Protocol):
    """Rows of stock in one transaction."""

    def open_rows(self, spots: Collection[Spot]) -> None:
        """Make rows at zero where there are none."""

    def lock(self, spots: Collection[Spot]) -> list[Level]:
        """Lock rows of stock in SKU order until the transaction ends."""

    def move(self, movements: Sequence[Movement]) -> list[Level]:
        """Move locked stock and note it in the ledger. Raises Short."""

    def agree(self, level: Level) -> Level:
        """Keep a locked row's terms: when it is low, when more comes, when it is released. Return its next version."""

    def level(self, spot: Spot) -> Level:
        """Return a row of stock. Raises Missing."""

    def levels(self, *, after: Spot, limit: int, text: str | None) -> list[Level]:
        """Return rows in SKU order."""

    def entries(self, spot: Spot, *, before: int | None, limit: int) -> list[LedgerEntry]:
        """Return the ledger of a row, newest first."""

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""


def listed(query: StockQuery, *, stock: Stock) -> Page[Level]:
    """Return stock in SKU order."""
    after = paging.unseal(query.cursor, tuple[str, str])
    found = stock.levels(after=Spot(*after) if after else FIRST, limit=query.limit + 1, text=query.text)
    return paging.page(found, query.limit, key=lambda level: [level.sku, level.location])


def read(sku: str, location: str, *, stock: Stock) -> Level:
    """Return how much there is. Raises Missing."""
    return stock.level(_spot(sku, location))


def ledger(sku: str, query: LedgerQuery, *, stock: Stock) -> Page[LedgerEntry]:
    """Return why stock of a SKU is what it is, newest first."""
    before = paging.unseal(query.cursor, int)
    found = stock.entries(_spot(sku, query.location), before=before, limit=query.limit + 1)
    return paging.page(found, query.limit, key=lambda entry: entry.id)


def outlook(wanted: Mapping[str, int], shelves: Collection[Shelf], *, today: date) -> list[Share]:
    """Return which of what is wanted is there, and what is not there yet; what there is too little of is left out."""
    shares: list[Share] = []
    for sku, quantity in wanted.items():
        with suppress(Short):
            shares += share_out({sku: quantity}, [one for one in shelves if one.level.sku == sku], today=today)
    return shares


def count(sku: str, counted: Count, *, seen: int, by: Origin, now: datetime, stock: Stock) -> Level:
    """Set stock to what was counted, if it is still as it was seen; `seen` 0 stands for a SKU without stock so far.

    Raises Missing, Stale, Short.
    """
    spot = _spot(sku, counted.location)
    before = as_seen(_locked(spot, stock, opened=seen == 0), seen, name=f"stock of {sku}")
    backorder = before.backorder if counted.backorder is None else counted.backorder
    changed = _movement(
        spot, Why.COUNTED, by, on_hand=counted.on_hand - before.on_hand, backorder=backorder - before.backorder
    )
    (after,) = stock.move([changed])
    return _told(before, after, "stock.set", changed, by=by, now=now, stock=stock)


def agree(sku: str, terms: StockTerms, *, seen: int, by: Origin, now: datetime, stock: Stock) -> Level:
    """Set on what terms a SKU is sold from a location, as it was seen. Raises Missing, Stale, Short."""
    spot = _spot(sku, terms.location)
    before = as_seen(_locked(spot, stock, opened=seen == 0), seen, name=f"stock of {sku}")
    backorder = before.backorder if terms.backorder is msgspec.UNSET else terms.backorder
    level = before
    if backorder != before.backorder:
        changed = _movement(spot, Why.CORRECTED, by, on_hand=0, backorder=backorder - before.backorder)
        (level,) = stock.move([changed])
    after = stock.agree(
        replace(
            level,
            low_at=level.low_at if terms.low_at is msgspec.UNSET else terms.low_at,
            expected_on=level.expected_on if terms.expected_on is msgspec.UNSET else terms.expected_on,
            released_on=level.released_on if terms.released_on is msgspec.UNSET else terms.released_on,
        )
    )
    return _told(before, after, "stock.agree", by=by, now=now, stock=stock)


def adjust(sku: str, adjustment: Adjustment, *, by: Origin, now: datetime, stock: Stock) -> Level:
    """Change stock by so much; a SKU without stock so far gets some. Raises Missing, Invalid for no change, Short."""
    if not adjustment.change:
        raise Invalid("nothing changes by 0", faults=[Fault("/change", "must not be 0")])
    spot = _spot(sku, adjustment.location)
    before = _locked(spot, stock, opened=True)
    changed = _movement(spot, Why(adjustment.reason), by, on_hand=adjustment.change, note=adjustment.note)
    (after,) = stock.move([changed])
    return _told(before, after, "stock.adjust", changed, by=by, now=now, stock=stock)


def _spot(sku: str, location: str) -> Spot:
    if not is_sku(sku):
        raise Missing("there is no such SKU")
    return Spot(sku, location)


def _locked(spot: Spot, stock: Stock, *, opened: bool) -> Level:
    if opened:
        stock.open_rows([spot])
    found = stock.lock([spot])
    if not found:
        raise Missing(f"there is no stock of {spot.sku} at {spot.location}")
    return found[0]


def _movement(spot: Spot, why: Why, by: Origin, *, on_hand: int, backorder: int = 0, note: str = "") -> Movement:
    return Movement(
        sku=spot.sku,
        location=spot.location,
        on_hand=on_hand,
        backorder=backorder,
        why=why,
        note=note,
        by=by.caller.subject,
    )


def _told(
    before: Level, after: Level, action: str, *movements: Movement, by: Origin, now: datetime, stock: Stock
) -> Level:
    trail = audited(by, action, after.sku, service="order", now=now, before=before, after=after)
    stock.tell(trail, *events.stock_moved(movements, [after], now))
    return after
