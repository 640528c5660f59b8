"""Whoever waits for an order hears of it when it is decided or changed."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from apps.order.shop import Shop
from doors import Reply

from chalicelib.order import live
from souk.ids import new_id
from souk.waiting import ROOM, SEATS

pytestmark = pytest.mark.stores


def read(shop: Shop, order: str, version: int, prefer: str = "wait=10") -> Reply:
    return shop.doors("GET", f"/orders/{order}", token=shop.holder(order), if_none_match=f'"{version}"', prefer=prefer)


def waiting(shop: Shop, order: str, version: int) -> "Future[Reply]":
    """Start to wait from a thread of its own."""
    pool = ThreadPoolExecutor(1)
    found = pool.submit(read, shop, order, version)
    pool.shutdown(wait=False)
    return found


def test_whoever_waits_hears_of_the_decision(shop: Shop) -> None:
    product, sku = shop.sell()
    fact = shop.submission(product, sku)
    answer = waiting(shop, fact.order_id, 0)
    shop.submit(fact)
    got = answer.result()
    assert (got.status, got.body["status"], got.etag) == (200, "placed", '"1"')


def test_whoever_waits_hears_of_a_rejection(shop: Shop) -> None:
    product, sku = shop.sell(stock=0)
    fact = shop.submission(product, sku)
    answer = waiting(shop, fact.order_id, 0)
    shop.submit(fact)
    assert answer.result().body["status"] == "rejected"


def test_whoever_waits_hears_of_a_change(shop: Shop) -> None:
    product, sku = shop.sell()
    order = shop.submit(shop.submission(product, sku))
    answer = waiting(shop, order, 1)
    assert shop.doors("POST", f"/orders/{order}/cancellation", token=shop.staff).status == 200
    assert (answer.result().body["status"], answer.result().etag) == ("cancelled", '"2"')


def test_nothing_changes_and_the_time_is_up(shop: Shop) -> None:
    order = new_id()
    got = read(shop, order, 0, "wait=1")
    assert (got.status, got.body, got.etag) == (304, None, '"0"')
    assert (got.headers["Preference-Applied"], got.headers["Vary"]) == ("wait=1", "Prefer")


def test_whoever_has_seen_another_version_or_none_is_answered_at_once(shop: Shop) -> None:
    order = new_id()
    assert read(shop, order, 7).body["status"] == "pending"
    assert shop.doors("GET", f"/orders/{order}", token=shop.holder(order), prefer="wait=10").status == 200


def test_where_too_many_wait_the_answer_comes_at_once(shop: Shop) -> None:
    order, enough = new_id(), threading.Event()
    with ThreadPoolExecutor(SEATS) as crowd:
        seated = threading.Barrier(SEATS + 1)

        def sit() -> bool:
            seated.wait(60)
            return enough.wait()

        try:
            for _ in range(SEATS):
                crowd.submit(ROOM.until, sit, seconds=60)
            seated.wait(60)
            got = read(shop, order, 0)
        finally:
            enough.set()
    assert (got.status, got.headers["Retry-After"]) == (304, "1")
    assert "Preference-Applied" not in got.headers


def test_looking_whether_it_changed_is_a_look_at_two_primary_keys(shop: Shop) -> None:
    from chalicelib.order.store import sql

    with live.books() as books:
        books.tx.run("SET LOCAL enable_seqscan = off")
        plan = "\n".join(row["QUERY PLAN"] for row in books.tx.all(f"EXPLAIN {sql.STANDING}", id=new_id()))
    assert "decisions_pkey" in plan
    assert "orders_pkey" in plan
