"""Stock, its ledger and the locations where it lies, in memory."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from chalicelib.order.model.allocation import Shelf
from chalicelib.order.model.stock import LOCATION, LedgerEntry, Level, Movement, Short, Site, Spot, moved
from souk.clock import utcnow
from souk.errors import Missing


class MemoryStock:
    """What lies where, by the clock of the books."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[Spot, Level] = {}
        self.ranks = {LOCATION: 0}
        self.ledger: list[Movement] = []
        self.clock = utcnow

    def now(self) -> datetime:
        return self.clock()

    def turn(self, holder: str) -> datetime:  # noqa: ARG002 - nobody else is here
        return self.clock()

    def open_rows(self, spots: Collection[Spot]) -> None:
        for spot in (one for one in spots if one.location in self.ranks):
            fresh: dict[str, Any] = {"on_hand": 0, "reserved": 0, "backorder": 0, "version": 0}
            self.rows.setdefault(spot, Level(sku=spot.sku, location=spot.location, **fresh, changed_at=self.now()))

    def lock(self, spots: Collection[Spot]) -> list[Level]:
        return [self.rows[spot] for spot in sorted(set(spots)) if spot in self.rows]

    def lock_goods(self, skus: Collection[str], *, quote_id: str | None = None) -> list[Shelf]:  # noqa: ARG002
        return [
            Shelf(level=self.rows[spot], rank=self.ranks[spot.location])
            for spot in sorted(self.rows)
            if spot.sku in skus
        ]

    def sites(self) -> list[Site]:
        known = [
            Site(code=code, name=code, rank=rank, version=1, changed_at=self.now()) for code, rank in self.ranks.items()
        ]
        return sorted(known, key=lambda site: (site.rank, site.code))

    def add_site(self, site: Site) -> bool:
        fresh = site.code not in self.ranks
        self.ranks = {site.code: site.rank} | self.ranks
        return fresh

    def agree(self, level: Level) -> Level:
        after = replace(level, version=level.version + 1, changed_at=self.now())
        self.rows |= {level.spot: after}
        return after

    def move(self, movements: Sequence[Movement]) -> list[Level]:
        by_spot: dict[Spot, list[Movement]] = {}
        for movement in movements:
            by_spot.setdefault(movement.spot, []).append(movement)
        if missing := by_spot.keys() - self.rows.keys():
            raise Short(missing)
        levels = [moved(self.rows[spot], by_spot[spot], self.now()) for spot in sorted(by_spot)]
        self.rows |= {level.spot: level for level in levels}
        self.ledger = [*self.ledger, *movements]
        return levels

    def level(self, spot: Spot) -> Level:
        if spot not in self.rows:
            raise Missing(f"there is no stock of {spot.sku}")
        return self.rows[spot]

    def levels(self, *, after: Spot, limit: int, text: str | None) -> list[Level]:
        spots = [spot for spot in sorted(self.rows) if spot > after and spot.sku.startswith(text or "")]
        return [self.rows[spot] for spot in spots[:limit]]

    def changed(self, *, since: datetime, after: Spot, limit: int) -> list[Level]:
        spots = [spot for spot in sorted(self.rows) if spot > after and self.rows[spot].changed_at >= since]
        return [self.rows[spot] for spot in spots[:limit]]

    def entries(self, spot: Spot, *, before: int | None, limit: int) -> list[LedgerEntry]:
        numbered = [
            (n, one) for n, one in enumerate(self.ledger, 1) if one.spot == spot and (before is None or n < before)
        ]
        return [_entry(n, one, self.now()) for n, one in reversed(numbered)][:limit]


def _entry(number: int, movement: Movement, at: datetime) -> LedgerEntry:
    shared = {
        name: getattr(movement, name)
        for name in ("on_hand", "reserved", "backorder", "why", "order_id", "quote_id", "note", "by")
    }
    return LedgerEntry(id=number, **shared, at=at)
