"""Allocation: which locations give what an order wants. Staff rank locations; few parcels and early ones come first."""

from collections.abc import Iterable, Mapping
from datetime import date

import msgspec
from msgspec.structs import replace

from chalicelib.order.model.stock import Level, Short, Spot


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """A row of stock and the rank of its location: orders take from the lowest rank first.

    `due` says whether something may be kept of it that has to be given back first, as its time is up or as its quote is
    being ordered.
    """

    level: Level
    rank: int
    due: bool = True


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of a row; `awaited` of them are not there yet, and come on `due_on` where that is known."""

    spot: Spot
    quantity: int
    awaited: int = 0
    due_on: date | None = None
    preorder: bool = False


def now_so(shelves: Iterable[Shelf], levels: Iterable[Level]) -> list[Shelf]:
    """Return shelves with what has become of some of their rows."""
    newer = {level.spot: level for level in levels}
    return [replace(one, level=newer.get(one.level.spot, one.level)) for one in shelves]


def share_out(wanted: Mapping[str, int], shelves: Iterable[Shelf], *, today: date) -> list[Share]:
    """Return which rows give what is wanted, in SKU order. Raises Short, with what all locations together have.

    One location gives all of a SKU if it has it ready. Else each gives what it has ready; the rest is promised.
    """
    by_sku: dict[str, list[Level]] = {sku: [] for sku in wanted}
    for shelf in sorted(shelves, key=lambda one: (one.rank, one.level.location)):
        by_sku[shelf.level.sku].append(shelf.level)
    available = {Spot(sku): sum(level.available for level in levels) for sku, levels in by_sku.items()}
    if missing := [Spot(sku) for sku, quantity in wanted.items() if available[Spot(sku)] < quantity]:
        raise Short(missing, available)
    return [share for sku in sorted(wanted) for share in _shares(wanted[sku], by_sku[sku], today)]


def _shares(quantity: int, levels: list[Level], today: date) -> Iterable[Share]:
    if alone := next((level for level in levels if level.ready >= quantity), None):
        return [_share(alone, quantity, 0, today)]
    rest = quantity - sum(level.ready for level in levels)  # to be promised
    shares = []
    for level in levels:
        ready = min(quantity, level.ready)
        promised = max(0, min(rest, level.available - level.ready))
        quantity, rest = quantity - ready, rest - promised
        if ready + promised:
            shares.append(_share(level, ready, promised, today))
    return shares


def _share(level: Level, ready: int, promised: int, today: date) -> Share:
    if level.released_on is not None and level.released_on > today:
        total = ready + promised
        return Share(spot=level.spot, quantity=total, awaited=total, due_on=level.released_on, preorder=True)
    due = level.expected_on if promised and level.expected_on and level.expected_on > today else None
    return Share(spot=level.spot, quantity=ready + promised, awaited=promised, due_on=due)
