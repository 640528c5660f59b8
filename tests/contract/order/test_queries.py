"""Every query of the order service finds its rows by an index, and imports and resync work in few round trips."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from chalicelib.order import imports, live
from chalicelib.order.imports import PastLine, PastOrder, StockCount
from chalicelib.order.model.listing import Filter
from chalicelib.order.model.order import Order, Status
from chalicelib.order.resync import resync
from chalicelib.order.store import holds, quotes, sql, stock, terms, vouchers
from souk.clock import utcnow
from souk.ids import new_id
from souk.money import Money
from souk.postgres import Database

pytestmark = pytest.mark.stores
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = datetime(2126, 1, 1, tzinfo=UTC)  # before which there is every order
PLACE = {"at": NOW, "id": "0" * 8 + "-0000-0000-0000-" + "0" * 12}
LIST = {**msgspec.structs.asdict(Filter()), "at": None, "id": None, "limit": 21}
ROW = {"sku": "a", "location": "default"}
WANTED = {"skus": ["a"], "locations": ["default"]}
HELD = """
    INSERT INTO holds (quote_id, sku, location, quantity, awaited, preorder, state, held_until, holder)
    SELECT gen_random_uuid(), sku, location, 1, 0, false, state, now() - interval '1 day', gen_random_uuid()
      FROM stock, unnest(ARRAY['taken', 'released']) AS over (state) LIMIT 600
"""
ORDER = {"id": PLACE["id"]}
QUOTE = (
    ORDER | WANTED | {"bill": "{}", "recipient": "{}", "made_at": NOW, "expires_at": NOW, "country": "US", "seen": 0}
)


@pytest.fixture(scope="module")
def filled(stores: dict[str, str]) -> None:
    """A shop with some history, about which PostgreSQL knows."""
    imports.import_orders([past(new_id(), "tea") for _ in range(300)])
    imports.import_stock([StockCount(sku=f"sku-{new_id()}", on_hand=1) for _ in range(300)])
    with Database("order", "OWNER_DATABASE_URL").reading() as tx:
        tx.run(HELD)
        tx.run(
            "ANALYZE holds, orders, order_lines, stock, stock_ledger, reservations, decisions, quotes, shipments, payments,"
            " timeline, vouchers, voucher_uses, tax_rates"
        )


@pytest.mark.parametrize(
    ("query", "values", "index"),
    [
        (sql.LIST, LIST, "orders_newest"),
        (sql.LIST, LIST | PLACE, "orders_newest"),
        (sql.LIST, LIST | {"customer_id": "c"} | PLACE | {"at": LATER}, "orders_of_customer"),
        (sql.LIST, LIST | {"status": "paid"}, "orders_by_status"),
        (sql.LIST, LIST | {"since": NOW, "until": NOW}, "orders_newest"),
        (sql.LIST, LIST | {"text": "S-23456%"}, "orders_number"),
        (sql.READ, ORDER, "decisions_pkey"),
        (sql.READ, ORDER, "shipments_of_order"),
        (sql.READ, ORDER, "payments_of_order"),
        (sql.READ, ORDER, "reservations_pkey"),
        (sql.LOCK_STOCK_OF_ORDER, ORDER, "stock_pkey"),
        (sql.PLACED, PLACE | {"since": NOW, "limit": 500}, "orders_newest"),
        (sql.DUE, WANTED | {"limit": 100}, "reservations_due"),
        (stock.LOCK_ROWS, WANTED, "stock_pkey"),
        (stock.LOCK_GOODS, WANTED, "stock_pkey"),
        (stock.LOCKED_GOODS, WANTED | {"quote_id": None}, "stock_pkey"),
        (stock.LOCKED_GOODS, WANTED | {"quote_id": None}, "reservations_held"),
        (stock.LOCKED_GOODS, WANTED | {"quote_id": None}, "holds_"),
        (stock.MOVE, WANTED | {"movements": "[]"}, "stock_pkey"),
        (sql.EXPIRE, WANTED | {"quote_id": None}, "reservations_held"),
        (quotes.ADD_QUOTE, QUOTE, "stock_pkey"),
        (holds.HOLDING, {"quote_id": PLACE["id"], "holder": "h"}, "holds_pkey"),
        (holds.RELEASE, {"quote_id": PLACE["id"]}, "holds_"),
        (holds.HAND_ON, {"quote_id": PLACE["id"], "to": PLACE["id"], "skus": ["a"]}, "holds_"),
        (holds.FORGET_HOLDS, {"limit": 5_000}, "holds_age"),
        (sql.DUE, WANTED | {"limit": 100}, "holds_"),
        (sql.STANDING, ORDER, "decisions_pkey"),
        (stock.READ_ROW, ROW, "stock_pkey"),
        (stock.READ_ROWS, ROW | {"text": None, "limit": 21}, "stock_pkey"),
        (stock.READ_ROWS, ROW | {"text": "b%", "limit": 21}, "stock_pkey"),
        (stock.READ_CHANGED, ROW | {"since": NOW, "limit": 500}, "stock_pkey"),
        (stock.READ_LEDGER, ROW | {"before": 10**9, "limit": 21}, "stock_ledger_by_row"),
        (quotes.READ_QUOTE, ORDER, "quotes_pkey"),
        (quotes.READ_QUOTE, ORDER, "tax_rates_pkey"),
        (quotes.READ_QUOTE, ORDER, "vouchers_pkey"),
        (quotes.FORGET_QUOTES, {"limit": 5_000}, "quotes_age"),
        (terms.TERMS, {"country": "US", "codes": ["A"]}, "vouchers_pkey"),
        (vouchers.LIST, {"after": "", "text": "A%", "limit": 21}, "vouchers_pkey"),
        (vouchers.LIST, {"after": "", "text": None, "limit": 21}, "voucher_uses_released"),
        (vouchers.LOCK, {"codes": ["A"]}, "vouchers_pkey"),
        (vouchers.USE, {"codes": ["A"]}, "voucher_uses_released"),
        (vouchers.RETURN, {"codes": ["A"]}, "voucher_uses_released"),
        (sql.READ, ORDER, "voucher_uses_pkey"),
    ],
)
def test_each_query_uses_its_index(filled: None, query: str, values: Mapping[str, Any], index: str) -> None:
    with live.database.transaction() as tx:
        tx.run("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row["QUERY PLAN"] for row in tx.all(f"EXPLAIN {query}", **values))
    assert index in plan, plan


@pytest.mark.parametrize(
    ("query", "values"),
    [(sql.EXPIRE, WANTED | {"quote_id": None}), (holds.HOLDING, {"quote_id": PLACE["id"], "holder": "h"})],
)
def test_what_is_held_is_never_searched_row_by_row(filled: None, query: str, values: Mapping[str, Any]) -> None:
    """Several indexes will do: which one promises fewer rows is the planner's guess."""
    with live.database.transaction() as tx:
        tx.run("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row["QUERY PLAN"] for row in tx.all(f"EXPLAIN {query}", **values))
    assert "Seq Scan" not in plan, plan


def past(key: str, *skus: str) -> PastOrder:
    lines = tuple(
        PastLine(sku=sku, product_id=f"p-{sku}", title="Tea", quantity=2, unit_price=Money(150, "USD")) for sku in skus
    )
    return PastOrder(key=key, customer_id=new_id(), placed_at=NOW, lines=lines)


def told(type_: str, *aggregates: str) -> int:
    count = "SELECT count(*) AS n FROM outbox WHERE type = %(type)s AND event::jsonb->>'aggregate' = ANY(%(ids)s)"
    with live.database.reading() as tx:
        return int(tx.all(count, type=type_, ids=list(aggregates))[0]["n"])


def test_past_orders_are_brought_in_once_and_told_of(stores: dict[str, str]) -> None:
    batch = [past(new_id(), "tea", "rice", "tea") for _ in range(3)]
    keys = [imports.order_id(one.key) for one in batch]
    assert imports.import_orders(batch) == 3
    assert imports.import_orders([*batch, more := past(new_id(), "tea")]) == 1
    assert told("order.placed", *keys, imports.order_id(more.key)) == 4
    with live.reading() as books:
        found = books.find(keys[0])
    assert isinstance(found, Order)
    assert (found.status, found.totals.total, found.placed_at) == (Status.DELIVERED, Money(900, "USD"), NOW)
    assert [(line.sku, line.quantity, line.shipped) for line in found.lines] == [("tea", 4, 4), ("rice", 2, 2)]


def test_five_hundred_past_orders_end_before_a_statement_is_cut_short(stores: dict[str, str]) -> None:
    batch = [past(new_id(), *(f"sku-{n}" for n in range(10))) for _ in range(500)]
    assert imports.import_orders(batch) == 500


def test_stock_is_brought_in_once_with_one_event_a_row(stores: dict[str, str]) -> None:
    skus = [f"sku-{new_id()}" for _ in range(5)]
    counts = [StockCount(sku=sku, on_hand=7) for sku in skus]
    assert imports.import_stock(counts) == 5
    assert imports.import_stock([StockCount(sku=skus[0], on_hand=9)]) == 0
    assert told("stock.changed", *(f"default/{sku}" for sku in skus)) == 5


def test_resync_tells_of_every_order_since_then_once(stores: dict[str, str]) -> None:
    batch = [past(new_id(), "tea") for _ in range(3)]
    imports.import_orders(batch, tell=False)
    resync(min(one.placed_at for one in batch))
    assert told("order.placed", *(imports.order_id(one.key) for one in batch)) == 3


def test_an_order_that_cannot_be_read_keeps_no_other_from_being_told(stores: dict[str, str]) -> None:
    batch = [past(new_id(), "tea") for _ in range(2)]
    imports.import_orders(batch, tell=False)
    wrong, right = (imports.order_id(one.key) for one in batch)
    with live.database.reading() as session:
        session.run("DELETE FROM order_lines WHERE order_id = %(id)s", id=wrong)
    resync(min(one.placed_at for one in batch))
    assert (told("order.placed", wrong), told("order.placed", right)) == (0, 1)


def test_resync_tells_of_what_changed_since_then(stores: dict[str, str]) -> None:
    began = utcnow()
    sku = f"sku-{new_id()}"
    imports.import_stock([StockCount(sku=sku, on_hand=7)])
    assert resync(utcnow() + timedelta(minutes=1)) == 0
    assert resync(began - timedelta(seconds=1)) >= 1
    assert told("stock.changed", f"default/{sku}") == 2
