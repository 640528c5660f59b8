"""Stock in PostgreSQL: rows that are locked in SKU order, and a ledger written in the statement that moves them."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from chalicelib.order.model.allocation import Shelf
from chalicelib.order.model.stock import LedgerEntry, Level, Movement, Short, Spot
from souk.errors import Missing
from souk.events import Event
from souk.plans import Planned
from souk.postgres import Row, Transaction, beginning
from souk.records import add_events

OPEN_ROWS = """
    INSERT INTO stock (sku, location)
    SELECT DISTINCT sku, location
      FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS wanted (sku, location) JOIN locations ON code = location
     ORDER BY 1, 2
    ON CONFLICT DO NOTHING
"""
LOCK_ROWS = """
    SELECT stock.*
      FROM stock
      JOIN (SELECT DISTINCT * FROM unnest(%(skus)s::text[], %(locations)s::text[]) AS wanted (sku, location)) wanted
        USING (sku, location)
     ORDER BY sku, location
       FOR NO KEY UPDATE OF stock
"""
LOCK_GOODS = Planned("SELECT sku FROM stock WHERE sku = ANY(%(skus)s::text[]) ORDER BY sku, location FOR NO KEY UPDATE")
LOCKED_GOODS = Planned("""
    SELECT stock.*, rank,
           EXISTS (SELECT FROM reservations kept
                    WHERE kept.sku = stock.sku AND kept.location = stock.location
                      AND state = 'held' AND held_until < now())
           OR EXISTS (SELECT FROM holds kept
                       WHERE kept.sku = stock.sku AND kept.location = stock.location
                         AND state = 'held' AND (held_until < now() OR quote_id = %(quote_id)s::uuid)) AS due
      FROM stock JOIN locations ON code = location
     WHERE sku = ANY(%(skus)s::text[])
     ORDER BY sku, location
       FOR NO KEY UPDATE OF stock SKIP LOCKED
""")
# The SKUs are said once more: PostgreSQL expects a hundred movements, and would read all of a small shop's stock for them.
MOVE = Planned("""
    WITH movement AS (
        SELECT * FROM jsonb_to_recordset(%(movements)s::jsonb) AS given
            (sku text, location text, on_hand bigint, reserved bigint, backorder bigint, why text, order_id uuid, quote_id uuid,
             note text, by text)
    ), wanted AS (
        SELECT sku, location, sum(on_hand)::bigint AS on_hand, sum(reserved)::bigint AS reserved,
               sum(backorder)::bigint AS backorder
          FROM movement GROUP BY sku, location
    ), moved AS (
        UPDATE stock
           SET on_hand = stock.on_hand + wanted.on_hand, reserved = stock.reserved + wanted.reserved,
               backorder = stock.backorder + wanted.backorder, version = version + 1, changed_at = now()
          FROM wanted
         WHERE stock.sku = ANY(%(skus)s::text[]) AND stock.sku = wanted.sku AND stock.location = wanted.location
           AND stock.on_hand + wanted.on_hand >= 0 AND stock.backorder + wanted.backorder >= 0
           AND stock.reserved + wanted.reserved BETWEEN 0
               AND stock.on_hand + wanted.on_hand + stock.backorder + wanted.backorder
     RETURNING stock.*
    ), noted AS (
        INSERT INTO stock_ledger (sku, location, on_hand, reserved, backorder, why, order_id, quote_id, note, by)
        SELECT sku, location, movement.on_hand, movement.reserved, movement.backorder, why, order_id, quote_id, note, by
          FROM movement JOIN moved USING (sku, location)
    )
    SELECT * FROM moved ORDER BY sku, location
""")
AGREE = """
    UPDATE stock SET low_at = %(low_at)s, expected_on = %(expected_on)s, released_on = %(released_on)s,
                     version = version + 1, changed_at = now()
     WHERE sku = %(sku)s AND location = %(location)s
    RETURNING *
"""
READ_ROW = "SELECT * FROM stock WHERE sku = %(sku)s AND location = %(location)s"
READ_ROWS = """
    SELECT * FROM stock
     WHERE (sku, location) > (%(sku)s, %(location)s)
       AND (%(text)s::text IS NULL OR sku LIKE %(text)s)
     ORDER BY sku, location
     LIMIT %(limit)s
"""
READ_LEDGER = """
    SELECT id, on_hand, reserved, backorder, why, order_id, quote_id, note, by, at
      FROM stock_ledger
     WHERE sku = %(sku)s AND location = %(location)s AND (%(before)s::bigint IS NULL OR id < %(before)s)
     ORDER BY id DESC
     LIMIT %(limit)s
"""
READ_CHANGED = """
    SELECT * FROM stock
     WHERE changed_at >= %(since)s AND (sku, location) > (%(sku)s, %(location)s)
     ORDER BY sku, location
     LIMIT %(limit)s
"""


def _level(row: Row) -> Level:
    """Return the level that a row of stock tells of."""
    return msgspec.convert(row, Level)


class StockRows:
    """Stock, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self.tx = tx

    def open_rows(self, spots: Collection[Spot]) -> None:
        """Make rows at zero where there are none; not at a location that does not exist."""
        self.tx.run(OPEN_ROWS, **_columns(spots))

    def lock(self, spots: Collection[Spot]) -> list[Level]:
        """Lock rows of stock in SKU order until the transaction ends; those that do not exist are left out."""
        return [_level(row) for row in self.tx.all(LOCK_ROWS, **_columns(spots))]

    def lock_goods(self, skus: Collection[str], *, quote_id: str | None = None) -> list[Shelf]:
        """Lock all rows of these SKUs, wherever they lie, in SKU order until the transaction ends.

        They are read once they are locked, and so as whoever had them before has left them. A row that somebody opened
        in between is locked as well or left out.
        """
        self.tx.later(LOCK_GOODS, skus=list(skus))
        rows = self.tx.all(LOCKED_GOODS, skus=list(skus), quote_id=quote_id)
        return [Shelf(level=_level(row), rank=row["rank"], due=row["due"]) for row in rows]

    def move(self, movements: Sequence[Movement]) -> list[Level]:
        """Move locked stock and note it in the ledger, in one statement. Raises Short where a row cannot give it."""
        if not movements:
            return []
        skus = sorted({movement.sku for movement in movements})
        rows = self.tx.all(MOVE, movements=msgspec.json.encode(movements).decode(), skus=skus)
        levels = [_level(row) for row in rows]
        missing = {movement.spot for movement in movements} - {level.spot for level in levels}
        if missing:
            raise Short(missing)
        return levels

    def agree(self, level: Level) -> Level:
        """Keep a locked row's terms: when it is low, when more comes, when it is released. Return its next version."""
        (row,) = self.tx.all(AGREE, **msgspec.structs.asdict(level))
        return _level(row)

    def level(self, spot: Spot) -> Level:
        """Return a row of stock. Raises Missing."""
        row = self.tx.one(READ_ROW, sku=spot.sku, location=spot.location)
        if row is None:
            raise Missing(f"there is no stock of {spot.sku} at {spot.location}")
        return _level(row)

    def levels(self, *, after: Spot, limit: int, text: str | None) -> list[Level]:
        """Return rows in SKU order, those whose SKU begins with `text`."""
        begins = None if text is None else beginning(text)
        return [
            _level(row)
            for row in self.tx.all(READ_ROWS, sku=after.sku, location=after.location, text=begins, limit=limit)
        ]

    def changed(self, *, since: datetime, after: Spot, limit: int) -> list[Level]:
        """Return rows that changed since a moment, in SKU order."""
        rows = self.tx.all(READ_CHANGED, since=since, sku=after.sku, location=after.location, limit=limit)
        return [_level(row) for row in rows]

    def entries(self, spot: Spot, *, before: int | None, limit: int) -> list[LedgerEntry]:
        """Return the ledger of a row, newest first."""
        rows = self.tx.all(READ_LEDGER, sku=spot.sku, location=spot.location, before=before, limit=limit)
        return msgspec.convert(rows, list[LedgerEntry])

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""
        add_events(self.tx, *events)


def _columns(spots: Collection[Spot]) -> dict[str, list[str]]:
    return {"skus": [spot.sku for spot in spots], "locations": [spot.location for spot in spots]}
