"""Paid, shipped, delivered: what staff say of an order, and what its status forbids."""

from typing import Any

import pytest
from apps.order.shop import Shop

from chalicelib.order import expiry, live

pytestmark = pytest.mark.stores
AGE = "UPDATE reservations SET held_until = now() - interval '1 second' WHERE order_id = %(order)s"


@pytest.fixture
def order(shop: Shop) -> str:
    product, sku = shop.sell()
    return shop.submit(shop.submission(product, sku, 2))


def after(shop: Shop, order: str, what: str, body: object = None, status: int = 201, **headers: str) -> dict[str, Any]:
    reply = shop.doors("POST", f"/orders/{order}/{what}", body, token=shop.staff, **headers)
    assert reply.status == status, reply
    found: dict[str, Any] = reply.body
    return found


def expire(order: str) -> None:
    with live.database.reading() as tx:
        tx.run(AGE, order=order)
    expiry.sweep(books=live.books)


def test_an_order_goes_from_placed_to_delivered(shop: Shop, order: str) -> None:
    assert after(shop, order, "payments", {"method": "transfer"})["status"] == "paid"
    sent = after(shop, order, "shipments", {"carrier": "DHL", "tracking": "JD014"})
    assert (sent["status"], sent["shipments"][0]["tracking"]) == ("fulfilled", "JD014")
    there = after(shop, order, f"shipments/{sent['shipments'][0]['id']}/delivery", status=200)
    assert there["status"] == "delivered"
    assert [entry["what"] for entry in there["timeline"]] == ["placed", "paid", "fulfilled", "delivered"]
    for step in ("paid", "fulfilled", "delivered"):
        assert len(shop.told(f"order.{step}", order)) == 1


def test_what_is_shipped_leaves_stock(shop: Shop) -> None:
    product, sku = shop.sell(stock=10)
    order = shop.submit(shop.submission(product, sku, 3))
    after(shop, order, "payments", {"method": "cash"})
    after(shop, order, "shipments", {"carrier": "DHL"})
    level = shop.doors("GET", f"/stock/{sku}", token=shop.staff).body
    assert (level["on_hand"], level["reserved"], level["available"]) == (7, 0, 7)


def test_an_order_shipped_in_parts_is_fulfilled_with_the_last(shop: Shop) -> None:
    product, sku = shop.sell(stock=10)
    order = shop.submit(shop.submission(product, sku, 3))
    after(shop, order, "payments", {"method": "cash"})
    first = after(shop, order, "shipments", {"carrier": "DHL", "parcels": [{"sku": sku, "quantity": 1}]})
    assert (first["status"], first["lines"][0]["shipped"]) == ("paid", 1)
    after(shop, order, "cancellation", status=409)
    first = after(shop, order, f"shipments/{first['shipments'][0]['id']}/delivery", status=200)
    assert first["status"] == "paid"
    last = after(shop, order, "shipments", {"carrier": "DHL"})
    assert (last["status"], len(last["shipments"])) == ("fulfilled", 2)
    there = after(shop, order, f"shipments/{last['shipments'][1]['id']}/delivery", status=200)
    assert there["status"] == "delivered"


def test_more_than_is_due_is_not_shipped(shop: Shop, order: str) -> None:
    after(shop, order, "payments", {"method": "cash"})
    sku = shop.doors("GET", f"/orders/{order}", token=shop.staff).body["lines"][0]["sku"]
    problem = after(shop, order, "shipments", {"carrier": "DHL", "parcels": [{"sku": sku, "quantity": 3}]}, status=422)
    assert problem["errors"][0]["pointer"] == "/parcels/0"


@pytest.mark.parametrize("what", ["shipments"])
def test_an_unpaid_order_is_not_shipped(shop: Shop, order: str, what: str) -> None:
    after(shop, order, what, {"carrier": "DHL"}, status=409)


def test_an_order_is_paid_once_and_with_what_is_due(shop: Shop, order: str) -> None:
    wrong = {"method": "card", "amount": {"amount": 1, "currency": "USD"}}
    assert after(shop, order, "payments", wrong, status=422)["errors"][0]["pointer"] == "/amount"
    after(shop, order, "payments", {"method": "card"})
    after(shop, order, "payments", {"method": "card"}, status=409)


def test_the_same_key_notes_a_payment_once_and_answers_it_again(shop: Shop, order: str) -> None:
    first = after(shop, order, "payments", {"method": "card"}, idempotency_key="once")
    again = after(shop, order, "payments", {"method": "card"}, idempotency_key="once")
    assert first == again
    assert len(again["payments"]) == 1


def test_a_reference_pays_for_one_order_only(shop: Shop) -> None:
    product, sku = shop.sell()
    one, other = (shop.submit(shop.submission(product, sku)) for _ in range(2))
    paid = {"method": "card", "reference": f"ch-{one}"}
    after(shop, one, "payments", paid)
    assert after(shop, other, "payments", paid, status=409)["type"] == "urn:souk:problem:payment-spent"
    assert shop.doors("GET", f"/orders/{other}", token=shop.staff).body["status"] == "placed"


def test_money_that_comes_too_late_revives_the_order_while_there_is_stock(shop: Shop) -> None:
    product, sku = shop.sell(stock=1)
    order = shop.submit(shop.submission(product, sku))
    expire(order)
    lapsed = shop.doors("GET", f"/orders/{order}", token=shop.staff).body
    assert (lapsed["status"], lapsed["cancelled_by"]) == ("cancelled", "expired")
    assert len(shop.told("order.cancelled", order)) == 1
    assert after(shop, order, "payments", {"method": "card"})["status"] == "paid"
    assert shop.doors("GET", f"/stock/{sku}", token=shop.staff).body["reserved"] == 1


def test_money_that_comes_too_late_is_refused_when_the_goods_went_to_others(shop: Shop) -> None:
    product, sku = shop.sell(stock=1)
    order = shop.submit(shop.submission(product, sku))
    expire(order)
    shop.submit(shop.submission(product, sku))
    assert after(shop, order, "payments", {"method": "card"}, status=409)["type"] == "urn:souk:problem:short"
    assert shop.doors("GET", f"/orders/{order}", token=shop.staff).body["status"] == "cancelled"


def test_staff_changes_leave_a_trail(shop: Shop, order: str) -> None:
    after(shop, order, "payments", {"method": "cash"})
    with live.database.reading() as tx:
        row = tx.one(
            "SELECT event::jsonb->'data' AS said FROM outbox WHERE type = 'admin.audited'"
            " AND event::jsonb#>>'{data,subject}' = %(order)s",
            order=order,
        )
    assert row is not None
    assert (row["said"]["action"], row["said"]["before"], row["said"]["after"]) == (
        "order.pay",
        {"status": "placed"},
        {"status": "paid"},
    )
