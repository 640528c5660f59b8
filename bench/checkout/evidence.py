"""What all the stores hold of one history, read behind the services' back; rows and documents become plain facts here.

Nothing of the services is imported: what they keep is read by the checker's own SQL, commands and queries.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import permutations
from typing import Any

import msgspec
from msgspec import Struct

from bench.checkout.reading import BUCKETS, LOSSLESS, documents, redis_primary, select
from bench.checkout.records import (
    Cart,
    Decision,
    Hold,
    Line,
    Moved,
    Order,
    Payment,
    Reservation,
    Snapshot,
    Stock,
    Submission,
    Voucher,
)
from bench.checkout.waiting import left

CARTS = "SELECT body FROM carts WHERE id = ANY(%(carts)s::uuid[])"
SUBMISSIONS = """
    SELECT order_id::text, cart_id::text, attempt, state, submission FROM submissions
     WHERE cart_id = ANY(%(carts)s::uuid[]) OR order_id = ANY(%(orders)s::uuid[])
"""
SHELF = "SELECT sku, sum(available)::bigint AS available FROM stock WHERE sku = ANY(%(skus)s) GROUP BY sku"
ORDER_IDS = """
    SELECT order_id::text AS id FROM order_lines WHERE sku = ANY(%(skus)s)
    UNION SELECT order_id::text FROM decisions WHERE cart_id = ANY(%(carts)s)
"""
DECISIONS = """
    SELECT order_id::text, cart_id, attempt, reasons IS NOT NULL AS rejected
      FROM decisions WHERE order_id = ANY(%(orders)s::uuid[])
"""
ORDERS = "SELECT to_jsonb(o) AS row FROM orders o WHERE id = ANY(%(orders)s::uuid[])"
LINES = "SELECT to_jsonb(l) AS row FROM order_lines l WHERE order_id = ANY(%(orders)s::uuid[])"
RESERVATIONS = (
    "SELECT to_jsonb(r) AS row FROM reservations r WHERE order_id = ANY(%(orders)s::uuid[]) OR sku = ANY(%(skus)s)"
)
STOCK = "SELECT to_jsonb(s) AS row FROM stock s WHERE sku = ANY(%(skus)s) ORDER BY sku, location"
LEDGER = "SELECT to_jsonb(l) AS row FROM stock_ledger l WHERE sku = ANY(%(skus)s)"
HOLDS = "SELECT to_jsonb(h) AS row FROM holds h WHERE sku = ANY(%(skus)s)"
VOUCHER = """
    SELECT code, usage_limit, used,
           (SELECT count(*) FROM voucher_uses u WHERE u.code = v.code AND state = 'used') AS held,
           (SELECT count(*) FROM voucher_uses u WHERE u.code = v.code AND state = 'released') AS released
      FROM vouchers v WHERE code = %(voucher)s
"""
PAYMENTS = "SELECT to_jsonb(p) AS row FROM payments p WHERE order_id = ANY(%(orders)s::uuid[])"
HASHED_MAPS = frozenset({"attributes"})  # free maps, whose keys are hashed in order


class Evidence(Struct, frozen=True, kw_only=True):
    """All of it."""

    live: dict[str, Cart] = {}
    kept: dict[str, Cart] = {}
    submissions: dict[str, Submission] = {}
    decisions: list[Decision] = []
    orders: dict[str, Order] = {}
    lines: list[Line] = []
    reservations: list[Reservation] = []
    holds: list[Hold] = []
    vouchers: list[Voucher] = []
    stock: list[Stock] = []
    ledger: list[Moved] = []
    payments: list[Payment] = []
    snapshots: dict[str, Snapshot] = {}
    sold: dict[str, int] = {}
    """Pieces by product, as the product service counts them."""
    shown: dict[str, int] = {}
    """Available by SKU, as carts show it."""
    left: dict[str, int] = {}
    """What waits in outboxes, queues and dead-letter queues, by name."""


def gather(carts: Collection[str], goods: Mapping[str, str], *, voucher: str = "") -> Evidence:
    """Read every store for some carts, for goods (product ids by SKU) and for a voucher."""
    asked: dict[str, Any] = {"carts": sorted(carts), "skus": sorted(goods), "voucher": voucher}
    found = select("order", ORDER_IDS, asked)
    asked["orders"] = sorted(row["id"] for row in found)
    orders = [msgspec.convert(one, Order) for one in _rows("order", ORDERS, asked)]
    return Evidence(
        live=_live(asked["carts"]),
        kept={cart.id: cart for cart in (_cart(json.loads(row["body"])) for row in select("cart", CARTS, asked))},
        submissions={one.order_id: one for one in map(_submission, select("cart", SUBMISSIONS, asked))},
        decisions=[msgspec.convert(row, Decision) for row in select("order", DECISIONS, asked)],
        orders={one.id: one for one in orders},
        lines=[msgspec.convert(one, Line) for one in _rows("order", LINES, asked)],
        reservations=[msgspec.convert(one, Reservation) for one in _rows("order", RESERVATIONS, asked)],
        holds=[msgspec.convert(one, Hold) for one in _rows("order", HOLDS, asked)],
        vouchers=[msgspec.convert(one, Voucher) for one in select("order", VOUCHER, asked)],
        stock=stock_of(asked["skus"]),
        ledger=[msgspec.convert(one, Moved) for one in _rows("order", LEDGER, asked)],
        payments=[msgspec.convert(one, Payment) for one in _rows("order", PAYMENTS, asked)],
        snapshots={one.order_id: one for one in _snapshots([one.id for one in orders])},
        sold=_sold(goods.values()),
        shown={row["sku"]: row["available"] for row in select("cart", SHELF, asked)},
        left=left(),
    )


def stock_of(skus: Collection[str]) -> list[Stock]:
    """Return the stock of goods, in the order of SKU and location."""
    return [msgspec.convert(one, Stock) for one in _rows("order", STOCK, {"skus": list(skus)})]


def _rows(service: str, query: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [row["row"] for row in select(service, query, asked)]


def _cart(read: Mapping[str, Any]) -> Cart:
    return msgspec.convert({**read, "lines": lines_of(read["lines"])}, Cart)


def lines_of(lines: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return quantities by SKU."""
    found: dict[str, int] = {}
    for line in lines:
        found[line["sku"]] = found.get(line["sku"], 0) + line["quantity"]
    return found


def _submission(row: Mapping[str, Any]) -> Submission:
    said = json.loads(row["submission"])
    told = {"lines": lines_of(said["lines"]), "total": said["accepted_total"]["amount"]}
    return msgspec.convert({**row, **told}, Submission)


def _live(carts: Sequence[str]) -> dict[str, Cart]:
    """Return the carts that Redis has."""
    with closing(redis_primary(os.environ["CART_REDIS_URL"])) as client:
        history = client.info("replication")["master_replid"]
        asked = client.pipeline(transaction=False)
        for cart in carts:
            asked.hmget(f"{{b{int(cart[-4:], 16) % BUCKETS:02d}}}:cart:{cart}", "packed", "history")
        found = asked.execute() if carts else []
    return {
        cart: msgspec.structs.replace(
            _cart(msgspec.msgpack.decode(body.encode("utf-8", LOSSLESS))), compared=under == history
        )
        for cart, (body, under) in zip(carts, found, strict=True)
        if body
    }


def _snapshots(orders: Sequence[str]) -> Iterator[Snapshot]:
    with closing(documents("ORDER_MONGO_URL")) as client:
        found = list(client.get_default_database()["snapshots"].find({"_id": {"$in": list(orders)}}))
    for document in found:
        order = document.pop("_id")
        lines = {line["sku"]: (line["quantity"], line["unit_price"]["amount"]) for line in document["bill"]["lines"]}
        yield Snapshot(order_id=order, digests=digests({"order_id": order, **document}), lines=lines)


def digests(document: Mapping[str, Any]) -> frozenset[str]:
    """Return the hashes of a snapshot: SHA-256 of its JSON, free maps sorted, other fields as they stand.

    MongoDB sorts the outermost fields of what it inserts by an update, so these may come in any order.
    """
    orders = permutations(document.items())
    return frozenset(digest(dict(order)) for order in orders)


def digest(document: Mapping[str, Any]) -> str:
    """Return the hash of a document whose fields stand in this order."""
    text = json.dumps(_ordered(document), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _ordered(value: Any, *, free: bool = False) -> Any:
    if isinstance(value, dict):
        items = sorted(value.items()) if free else value.items()
        return {name: _ordered(one, free=free or name in HASHED_MAPS) for name, one in items}
    return [_ordered(one, free=free) for one in value] if isinstance(value, list) else value


def _sold(products: Collection[str]) -> dict[str, int]:
    with closing(documents("PRODUCT_MONGO_URL")) as client:
        found = client.get_default_database()["sold_products"].find({"_id": {"$in": sorted(products)}})
        counted = {document["_id"]: int(document["sold"]) for document in found}
        return {product: counted.get(product, 0) for product in products}
