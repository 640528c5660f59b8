"""The check of the books: what must always be true of stock, asked of the database in one statement.

The ledger sums to every row; what is reserved is what live reservations and holds keep; no more is promised than is there;
each order that waits for its goods has them reserved.
"""

import msgspec

from chalicelib.order import live
from souk.postgres import Transaction

UNLIMITED = "SET LOCAL statement_timeout = 0"  # a large ledger takes its time
CHECK = """
    WITH noted AS (
        SELECT sku, location, sum(on_hand) AS on_hand, sum(reserved) AS reserved, sum(backorder) AS backorder
          FROM stock_ledger GROUP BY sku, location
    ), kept AS (
        SELECT sku, location, sum(units) AS units
          FROM (SELECT sku, location, quantity - shipped AS units FROM reservations WHERE state IN ('held', 'committed')
                 UNION ALL
                SELECT sku, location, quantity FROM holds WHERE state = 'held') live
         GROUP BY sku, location
    ), waiting AS (
        SELECT order_id, sku, quantity - shipped AS due
          FROM order_lines JOIN orders ON orders.id = order_id
         WHERE status IN ('placed', 'paid')
    ), covered AS (
        SELECT order_id, sku, sum(quantity - shipped) AS units
          FROM reservations WHERE state IN ('held', 'committed') GROUP BY order_id, sku
    ), rows AS (
        SELECT location || '/' || sku AS about, stock.on_hand, stock.reserved, stock.backorder,
               COALESCE(noted.on_hand, 0) AS noted_on_hand, COALESCE(noted.reserved, 0) AS noted_reserved,
               COALESCE(noted.backorder, 0) AS noted_backorder, COALESCE(kept.units, 0) AS units
          FROM stock LEFT JOIN noted USING (sku, location) LEFT JOIN kept USING (sku, location)
    )
    SELECT 'ledger' AS rule, about, format('%%s on hand, the ledger sums to %%s', on_hand, noted_on_hand) AS detail
      FROM rows WHERE on_hand <> noted_on_hand
     UNION ALL
    SELECT 'ledger', about, format('%%s reserved, the ledger sums to %%s', reserved, noted_reserved)
      FROM rows WHERE reserved <> noted_reserved
     UNION ALL
    SELECT 'ledger', about, format('%%s on back-order, the ledger sums to %%s', backorder, noted_backorder)
      FROM rows WHERE backorder <> noted_backorder
     UNION ALL
    SELECT 'reserved', about, format('%%s reserved, %%s are kept for orders and quotes', reserved, units)
      FROM rows WHERE reserved <> units
     UNION ALL
    SELECT 'oversold', about, format('%%s reserved of %%s on hand and %%s on back-order', reserved, on_hand, backorder)
      FROM rows WHERE on_hand < 0 OR NOT reserved BETWEEN 0 AND on_hand + backorder
     UNION ALL
    SELECT 'uncovered', 'order ' || order_id, format('%%s of %%s are due, %%s are kept', due, sku, COALESCE(units, 0))
      FROM waiting LEFT JOIN covered USING (order_id, sku) WHERE due <> COALESCE(units, 0)
     ORDER BY 1, 2, 3
"""
COUNTED = """
    SELECT (SELECT count(*) FROM stock) AS rows, (SELECT count(*) FROM stock_ledger) AS entries,
           (SELECT count(*) FROM reservations WHERE state IN ('held', 'committed')) AS reservations,
           (SELECT count(*) FROM holds WHERE state = 'held') AS holds
"""


class Violation(msgspec.Struct, frozen=True):
    """A rule that does not hold, of what, and how it is."""

    rule: str
    about: str
    detail: str


class Findings(msgspec.Struct, frozen=True):
    """What was looked at, and what is wrong."""

    looked_at: dict[str, int]
    violations: list[Violation]


def check() -> Findings:
    """Look at all of the stock, as it was at one moment; what was looked at is counted just before."""
    with live.database.transaction() as tx:
        tx.run(UNLIMITED)
        return Findings(dict(tx.one(COUNTED) or {}), found(tx))


def found(tx: Transaction) -> list[Violation]:
    """Return what is wrong, as a transaction sees it."""
    return msgspec.convert(tx.all(CHECK), list[Violation])
