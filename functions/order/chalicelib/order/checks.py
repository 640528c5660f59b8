"""The checks of the books: what must always be true of them, asked of the database in one statement each."""

import msgspec

from chalicelib.order import live
from souk.postgres import Transaction

UNLIMITED = "SET LOCAL statement_timeout = 0"  # a large ledger takes its time
OF_STOCK = """
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
STOCK_COUNTED = """
    SELECT (SELECT count(*) FROM stock) AS rows, (SELECT count(*) FROM stock_ledger) AS entries,
           (SELECT count(*) FROM reservations WHERE state IN ('held', 'committed')) AS reservations,
           (SELECT count(*) FROM holds WHERE state = 'held') AS holds
"""
OF_PRICES = """
    WITH lines AS (
        SELECT order_id AS id, sum(total) AS goods, sum(discount) AS discount, sum(tax) AS tax
          FROM order_lines GROUP BY order_id
    ), off AS (
        SELECT order_id AS id, sum(amount) AS amount, bool_or(state = 'used') AS used, bool_and(state = 'used') AS all_used
          FROM voucher_uses GROUP BY order_id
    ), uses AS (
        SELECT code, count(*) FILTER (WHERE state IN ('used', 'released')) AS counted FROM voucher_uses GROUP BY code
    ), bills AS (
        SELECT 'order ' || orders.id AS about, orders.*, lines.goods AS line_goods, lines.discount AS line_discount,
               lines.tax AS line_tax, COALESCE(off.amount, 0) AS voucher_discount, off.used, off.all_used
          FROM orders LEFT JOIN lines USING (id) LEFT JOIN off USING (id)
    )
    SELECT 'money' AS rule, about, format('goods of %%s, its lines sum to %%s', goods, line_goods) AS detail
      FROM bills WHERE goods IS DISTINCT FROM line_goods
     UNION ALL
    SELECT 'money', about, format('%%s off, its lines sum to %%s and its vouchers to %%s', discount, line_discount, voucher_discount)
      FROM bills WHERE discount IS DISTINCT FROM line_discount OR discount <> voucher_discount
     UNION ALL
    SELECT 'money', about, format('tax of %%s, %%s of it on shipping, its lines sum to %%s', tax, shipping_tax, line_tax)
      FROM bills WHERE tax - shipping_tax IS DISTINCT FROM line_tax
     UNION ALL
    SELECT 'money', about, format('a total of %%s, its parts do not sum to it', total)
      FROM bills WHERE total <> goods - discount + shipping + CASE WHEN tax_included THEN 0 ELSE tax END
     UNION ALL
    SELECT 'voucher', about, format('%%s, and its vouchers are not', status)
      FROM bills WHERE CASE WHEN status = 'cancelled' THEN used ELSE NOT all_used END
     UNION ALL
    SELECT 'voucher', 'voucher ' || code, format('used %%s times, its orders say %%s', used, COALESCE(counted, 0))
      FROM vouchers LEFT JOIN uses USING (code) WHERE used <> COALESCE(counted, 0)
     UNION ALL
    SELECT 'voucher', 'voucher ' || code, format('used %%s times of %%s', used, usage_limit)
      FROM vouchers WHERE used > usage_limit
     UNION ALL
    SELECT 'quote', 'quote ' || quote_id, format('accepted by %%s orders', count(*))
      FROM orders WHERE quote_id IS NOT NULL GROUP BY quote_id HAVING count(*) > 1
     ORDER BY 1, 2, 3
"""
PRICES_COUNTED = """
    SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM order_lines) AS lines,
           (SELECT count(*) FROM vouchers) AS vouchers, (SELECT count(*) FROM voucher_uses) AS uses
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


class Check(msgspec.Struct, frozen=True):
    """A check: the statement that finds what is wrong, and the one that counts what was looked at."""

    rules: str
    counted: str

    def run(self) -> Findings:
        """Look at all that it is about, as it was at one moment; what was looked at is counted just before."""
        with live.database.transaction() as tx:
            tx.run(UNLIMITED)
            return Findings(dict(tx.one(self.counted) or {}), self.found(tx))

    def found(self, tx: Transaction) -> list[Violation]:
        """Return what is wrong, as a transaction sees it."""
        return msgspec.convert(tx.all(self.rules), list[Violation])


STOCK = Check(OF_STOCK, STOCK_COUNTED)
"""The ledger sums to every row; what is reserved is what live reservations and holds keep; no more is promised than is
there; each order that waits for its goods has them reserved."""
PRICES = Check(OF_PRICES, PRICES_COUNTED)
"""Lines sum to the order, discounts to its vouchers', taxes to its tax; a voucher counts its uses, within its limit; an
order that lives uses its vouchers, a cancelled one does not; a quote is good for one order."""
