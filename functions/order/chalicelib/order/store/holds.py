"""What is held for quotes, in PostgreSQL."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from chalicelib.order.model.hold import Held, Holding
from souk.ids import is_id
from souk.postgres import Transaction

# What one holds is counted one after another, as many requests at once would all find little held.
TURN = "SELECT pg_advisory_xact_lock(hashtextextended(%(holder)s, 0)), now() AS now"
HOLDING = """
    SELECT COALESCE((SELECT jsonb_agg(hold ORDER BY sku, location) FROM holds hold WHERE quote_id = %(quote_id)s), '[]')
               AS held,
           EXISTS (SELECT FROM orders WHERE quote_id = %(quote_id)s) AS ordered,
           (SELECT count(DISTINCT quote_id) FROM holds
             WHERE holder = %(holder)s AND state = 'held' AND held_until >= now() AND quote_id <> %(quote_id)s)
               AS others
"""
ADD_HOLDS = """
    INSERT INTO holds
    SELECT * FROM jsonb_populate_recordset(NULL::holds, %(holds)s::jsonb)
"""
RELEASE = "UPDATE holds SET state = 'released' WHERE quote_id = %(quote_id)s AND state = 'held' RETURNING *"
# Whoever ends what is held has its rows of stock first, in SKU order; so has whoever hands it on.
HAND_ON = """
    WITH shelf AS (
        SELECT sku, location FROM stock
         WHERE (sku, location) IN (SELECT sku, location FROM holds
                                    WHERE quote_id = %(quote_id)s AND state = 'held' AND sku = ANY(%(skus)s))
         ORDER BY sku, location
           FOR NO KEY UPDATE
    )
    UPDATE holds SET quote_id = %(to)s
      FROM shelf
     WHERE holds.sku = shelf.sku AND holds.location = shelf.location
       AND holds.quote_id = %(quote_id)s AND state = 'held' AND held_until >= now()
"""
FORGET_HOLDS = """
    DELETE FROM holds
     WHERE (quote_id, sku, location) IN (
           SELECT quote_id, sku, location FROM holds
            WHERE state <> 'held' AND held_until < now() - interval '7 days'
            LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""


class HoldRows:
    """Holds, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self.tx = tx

    def turn(self, holder: str) -> datetime:
        """Wait until nobody else holds stock in that name, before any other lock; return the database's time."""
        (row,) = self.tx.all(TURN, holder=holder)
        moment: datetime = row["now"]
        return moment

    def holding(self, quote_id: str, holder: str) -> Holding:
        """Return what was ever held for a quote, whether it was ordered by, and how many others this holder has held."""
        return msgspec.convert(self.tx.one(HOLDING, quote_id=quote_id, holder=holder), Holding)

    def add_holds(self, holds: Sequence[Held]) -> None:
        """Keep what is held."""
        self.tx.later(ADD_HOLDS, holds=msgspec.json.encode(holds).decode())

    def release(self, quote_id: str) -> list[Held]:
        """End what is held for a quote; its rows of stock are locked. Return what that was."""
        rows = self.tx.all(RELEASE, quote_id=quote_id) if is_id(quote_id) else []
        return msgspec.convert(rows, list[Held])

    def hand_on(self, quote_id: str, *, to: str, skus: Collection[str]) -> None:
        """Let what is held of these SKUs for a quote be held for another one, of them, that takes its place."""
        self.tx.later(HAND_ON, quote_id=quote_id, to=to, skus=list(skus))

    def forget_holds(self) -> int:
        """Remove what was held a week ago."""
        return self.tx.remove(FORGET_HOLDS)
