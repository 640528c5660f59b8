"""A submitted cart becomes an order, or is turned down with reasons."""

from datetime import timedelta
from typing import NoReturn

import pytest
from apps.order.shop import Shop, wish
from doors import event

from chalicelib.order import live
from chalicelib.order.events import ProductTrashed
from chalicelib.order.model.submission import SubmittedLine
from souk.clock import utcnow
from souk.events import Event
from souk.ids import new_id
from souk.money import MOST, Money

pytestmark = pytest.mark.stores


def codes(shop: Shop, order: str) -> list[str]:
    answer = shop.doors("GET", f"/orders/{order}", token=shop.holder(order))
    assert answer.body["status"] == "rejected", answer
    return [reason["code"] for reason in answer.body["reasons"]]


def test_a_submitted_cart_becomes_an_order(shop: Shop) -> None:
    product, sku = shop.sell(stock=3)
    order = shop.submit(shop.submission(product, sku, 2))
    found = shop.doors("GET", f"/orders/{order}", token=shop.holder(order))
    assert (found.status, found.body["status"], found.body["number"][:2]) == (200, "placed", "S-")
    assert found.body["totals"]["total"] == {"amount": 3_998, "currency": "USD"}
    assert found.body["contact"]["email"] == "ada@example.com"
    assert shop.doors("GET", f"/stock/{sku}", token=shop.staff).body["available"] == 1


def test_what_comes_to_more_than_is_counted_is_turned_down(shop: Shop) -> None:
    product, sku = shop.sell(price=MOST)
    lines = (SubmittedLine(sku=sku, product_id=product, quantity=2, product_version=1),)
    order = shop.submit(shop.submission(product, sku, lines=lines))
    assert codes(shop, order) == ["too-much"]
    assert shop.doors("POST", "/quotes", wish((sku, 2))).body["type"] == "urn:souk:problem:too-much"


def test_its_events_tell_what_was_ordered_and_nothing_personal(shop: Shop) -> None:
    product, sku = shop.sell()
    order = shop.submit(shop.submission(product, sku, 2))
    (told,) = shop.told("order.placed", order)
    assert told["lines"] == [{"sku": sku, "product_id": product, "quantity": 2}]
    assert "Byron" not in str(told)
    assert shop.told("stock.changed", f"default/{sku}")[-1] == {
        "sku": sku,
        "location": "default",
        "on_hand": 10,
        "reserved": 2,
        "available": 8,
        "ready": 8,
        "expected_on": None,
        "released_on": None,
    }


def test_the_order_keeps_the_hash_of_its_snapshot(shop: Shop) -> None:
    product, sku = shop.sell()
    order = shop.submit(shop.submission(product, sku))
    snapshot = live.replica.snapshot(order)
    assert snapshot is not None
    with live.reading() as books:
        assert books.get(order).snapshot_hash == snapshot.digest()
    assert "Byron" not in str(snapshot)


def test_delivered_again_it_stays_one_order(shop: Shop) -> None:
    product, sku = shop.sell()
    fact = shop.submission(product, sku)
    told = event(fact)
    for _ in range(3):
        assert shop.doors.deliver("order-submissions", told)["batchItemFailures"] == []
    assert len(shop.told("order.placed", fact.order_id)) == 1
    assert shop.doors("GET", f"/stock/{sku}", token=shop.staff).body["reserved"] == 1


def test_asked_for_its_verdict_by_another_event_it_tells_the_same_again(shop: Shop) -> None:
    product, sku = shop.sell(stock=1)
    placed, rejected = shop.submission(product, sku), shop.submission(product, sku)
    for fact in (placed, rejected, placed, rejected):
        shop.submit(fact)
    first, again = shop.told("order.placed", placed.order_id)
    assert first == again
    first, again = shop.told("order.rejected", rejected.order_id)
    assert first == again


def test_undecided_it_is_pending_to_the_holder_of_its_token_and_missing_to_others(shop: Shop) -> None:
    order = new_id()
    assert shop.doors("GET", f"/orders/{order}", token=shop.holder(order)).body["status"] == "pending"
    assert shop.doors("GET", f"/orders/{order}", token=shop.staff).status == 404
    assert shop.doors("GET", f"/orders/{order}", token=shop.holder(new_id())).status == 404


def test_want_of_stock_is_told_with_what_was_asked_and_what_is_there(shop: Shop) -> None:
    product, sku = shop.sell(stock=1)
    order = shop.submit(shop.submission(product, sku, 2))
    answer = shop.doors("GET", f"/orders/{order}", token=shop.holder(order)).body
    (reason,) = answer["reasons"]
    assert (reason["code"], reason["sku"], reason["asked"], reason["available"]) == ("out-of-stock", sku, 2, 1)
    (told,) = shop.told("order.rejected", order)
    assert told["reasons"] == answer["reasons"]


def test_what_never_lay_on_the_shelf_is_out_of_stock(shop: Shop) -> None:
    product, sku = shop.sell(stock=0)
    assert codes(shop, shop.submit(shop.submission(product, sku))) == ["out-of-stock"]


def test_another_price_than_accepted_is_rejected_with_a_new_quote_that_then_holds(shop: Shop) -> None:
    product, sku = shop.sell(price=1_000)
    fact = shop.submission(product, sku)
    shop.publish(product, sku, price=1_200, version=2)
    order = shop.submit(fact)
    assert codes(shop, order) == ["price-changed"]
    offered = shop.told("order.rejected", order)[0]["quote_id"]
    again = shop.submission(product, sku, quote_id=offered, accepted_total=Money(1_200, "USD"))
    assert shop.doors("GET", f"/orders/{shop.submit(again)}", token=shop.staff).body["status"] == "placed"


def test_an_unknown_quote_is_rejected(shop: Shop) -> None:
    product, sku = shop.sell()
    assert codes(shop, shop.submit(shop.submission(product, sku, quote_id=new_id()))) == ["quote-unknown"]
    assert codes(shop, shop.submit(shop.submission(product, sku, quote_id="gibberish"))) == ["quote-unknown"]


def test_a_quote_must_be_open_when_the_cart_is_submitted_not_when_we_hear_of_it(shop: Shop) -> None:
    product, sku = shop.sell()
    late, delayed = shop.submission(product, sku), shop.submission(product, sku)
    with live.database.reading() as tx:
        past = "UPDATE quotes SET expires_at = now() - interval '1 minute' WHERE id::text = ANY(%(ids)s)"
        tx.run(past, ids=[late.quote_id, delayed.quote_id])
    assert codes(shop, shop.submit(late)) == ["quote-expired"]
    hour_ago = Event.of(delayed, aggregate=delayed.cart_id, version=1, now=utcnow() - timedelta(hours=1))
    assert shop.doors.deliver("order-submissions", hour_ago)["batchItemFailures"] == []
    assert shop.doors("GET", f"/orders/{delayed.order_id}", token=shop.staff).body["status"] == "placed"


def test_what_is_no_longer_sold_is_rejected(shop: Shop) -> None:
    product, sku = shop.sell()
    fact = shop.submission(product, sku)
    shop.deliver("order-products", ProductTrashed(product_id=product, skus=(sku,)), product, 2)
    assert codes(shop, shop.submit(fact)) == ["not-sold"]


def test_an_empty_cart_is_rejected(shop: Shop) -> None:
    product, sku = shop.sell()
    assert codes(shop, shop.submit(shop.submission(product, sku, lines=()))) == ["empty"]


def test_a_replica_older_than_what_the_shopper_saw_waits_for_the_products_event(shop: Shop) -> None:
    product, sku = shop.sell()
    seen = SubmittedLine(sku=sku, product_id=product, quantity=1, product_version=2)
    fact = shop.submission(product, sku, lines=(seen,))
    early = event(fact)
    answer = shop.doors.deliver("order-submissions", early)
    assert (answer["batchItemFailures"], answer["refused"]) == ([{"itemIdentifier": early.id}], [])
    shop.publish(product, sku, price=1_999, version=2)
    assert shop.doors("GET", f"/orders/{shop.submit(fact)}", token=shop.staff).body["status"] == "placed"


def test_a_retry_prices_from_the_stored_snapshot(shop: Shop) -> None:
    product, sku = shop.sell(price=1_000)
    fact = shop.submission(product, sku)
    from chalicelib.order import placing

    def die() -> NoReturn:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):  # the function dies after its snapshot, before its transaction
        placing.place(fact.submission(event(fact)), products=live.replica, reading=live.reading, books=die)
    shop.deliver("order-products", ProductTrashed(product_id=product, skus=(sku,)), product, 2)
    assert shop.doors("GET", f"/orders/{shop.submit(fact)}", token=shop.staff).body["status"] == "placed"
