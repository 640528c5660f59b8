"""The check of the sums: what must always be true of orders' money and of vouchers, asked of the database in one statement.

Lines sum to the order, discounts to its vouchers', taxes to its tax; a voucher counts its uses, within its limit; an order
that lives uses its vouchers, a cancelled one does not; a quote is good for one order.
"""

import msgspec

from chalicelib.order import live
from chalicelib.order.checking import UNLIMITED, Findings, Violation
from souk.postgres import Transaction

CHECK = """
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
COUNTED = """
    SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM order_lines) AS lines,
           (SELECT count(*) FROM vouchers) AS vouchers, (SELECT count(*) FROM voucher_uses) AS uses
"""


def check() -> Findings:
    """Look at all orders and vouchers, as they were at one moment; what was looked at is counted just before."""
    with live.database.transaction() as tx:
        tx.run(UNLIMITED)
        return Findings(dict(tx.one(COUNTED) or {}), found(tx))


def found(tx: Transaction) -> list[Violation]:
    """Return what is wrong, as a transaction sees it."""
    return msgspec.convert(tx.all(CHECK), list[Violation])
