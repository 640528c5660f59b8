"""Submitting: one order for one submission, however often and from wherever it is asked for."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec
import pytest
from doors import Doors

from chalicelib.cart import live, overdue
from chalicelib.cart.events import CartSubmitted, OrderPlaced, OrderRejected
from chalicelib.cart.model import Reason
from chalicelib.cart.scripts import keys
from souk.auth import Kind, Trust
from souk.clock import utcnow
from souk.ids import id_of, new_id
from souk.redis import as_bytes
from souk.settings import setting
from souk.waiting import ROOM, SEATS
from souk_local.patience import until

from .conftest import Shop, Shopper, told

pytestmark = pytest.mark.stores


@pytest.fixture
def full(shop: Shop, guest: Shopper) -> Shopper:
    guest.add(shop.sell(), 2)
    return guest


def test_a_submission_answers_with_the_orders_address_and_token(full: Shopper) -> None:
    answer = full.submit(500)
    order = id_of("order", full.cart, 1)
    assert (answer.status, answer.headers["Location"]) == (202, f"/order/orders/{order}")
    holder = Trust.of(setting("order", "TRUSTED_KEYS")).read(answer.body["order_token"], now=utcnow())
    assert (holder.kind, holder.subject) == (Kind.ORDER_HOLDER, order)
    [event] = told(full.cart)
    fact = msgspec.json.decode(event.data, type=CartSubmitted)
    assert (event.type, event.version, fact.order_id, fact.accepted_total.amount) == ("cart.submitted", 1, order, 500)
    assert [(line.quantity, line.product_version) for line in fact.lines] == [(2, 1)]


def test_a_submitted_cart_takes_no_changes(shop: Shop, full: Shopper) -> None:
    full.submit()
    assert full.add(shop.sell()).body["type"] == "urn:souk:problem:cart-submitted"
    assert full.look()["order_id"] == id_of("order", full.cart, 1)


def test_two_submissions_of_what_was_seen_are_one_order(full: Shopper) -> None:
    seen = f'"{full.look()["version"]}"'
    with ThreadPoolExecutor(8) as devices:
        answers = list(devices.map(lambda _: full.submit(if_match=seen), range(8)))
    assert {answer.status for answer in answers} == {202}
    assert len({answer.body["order_id"] for answer in answers}) == 1
    assert len(told(full.cart)) == 1


def test_a_submission_needs_the_version_that_was_seen(shop: Shop, full: Shopper) -> None:
    wish = {"quote_id": new_id(), "total": {"amount": 1, "currency": "USD"}}
    assert full("POST", "/submission", wish).status == 428
    seen = f'"{full.look()["version"]}"'
    full.add(shop.sell())
    assert full.submit(if_match=seen).status == 412


def test_an_empty_cart_cannot_be_submitted(guest: Shopper) -> None:
    assert guest.submit().body["type"] == "urn:souk:problem:cart-empty"


def test_another_currency_than_the_markets_is_refused(full: Shopper) -> None:
    wish = {"quote_id": new_id(), "total": {"amount": 1, "currency": "EUR"}}
    assert full("POST", "/submission", wish, if_match=f'"{full.look()["version"]}"').status == 422


def test_an_order_closes_its_cart(shop: Shop, full: Shopper) -> None:
    order = full.submit().body["order_id"]
    shop.deliver("cart-outcomes", OrderPlaced(order_id=order), order)
    assert full.look()["state"] == "ordered"
    assert full.add(shop.sell()).body["type"] == "urn:souk:problem:cart-ordered"


def test_a_rejection_gives_the_cart_back_for_another_attempt(shop: Shop, full: Shopper) -> None:
    first = full.submit(idempotency_key="one")
    order = first.body["order_id"]
    shop.deliver("cart-outcomes", OrderRejected(order_id=order), order)
    assert full.look()["state"] == "open"
    second = full.submit(idempotency_key="two")
    assert second.body["order_id"] == id_of("order", full.cart, 2)
    again = full.submit(idempotency_key="one")
    assert again.status == 422  # another quote under the same key
    shop.deliver("cart-outcomes", OrderRejected(order_id=order), order)
    assert full.look()["state"] == "submitted"


def test_a_cart_says_why_its_submission_was_turned_down_until_the_next(shop: Shop, full: Shopper) -> None:
    order, sku = full.submit().body["order_id"], full.look()["lines"][0]["sku"]
    assert full.look()["rejection"] is None
    why = Reason(code="out-of-stock", detail="only 1 left", sku=sku, asked=2, available=1)
    shop.deliver("cart-outcomes", OrderRejected(order_id=order, reasons=(why,), quote_id="q"), order)
    seen = full.look()
    assert (seen["state"], seen["order_id"]) == ("open", None)
    assert seen["rejection"] == {"order_id": order, "reasons": [msgspec.to_builtins(why)], "quote_id": "q"}
    assert full("PUT", f"/lines/{sku}", {"quantity": 1}).body["cart"]["rejection"]["quote_id"] == "q"
    full.submit()
    assert full.look()["rejection"] is None


def test_a_late_duplicate_thaws_no_other_attempt(shop: Shop, full: Shopper) -> None:
    first = full.submit().body["order_id"]
    shop.deliver("cart-outcomes", OrderRejected(order_id=first), first)
    second = full.submit().body["order_id"]
    shop.deliver("cart-outcomes", OrderRejected(order_id=first), first)
    assert (full.look()["state"], full.look()["order_id"]) == ("submitted", second)
    shop.deliver("cart-outcomes", OrderPlaced(order_id=second), second)
    shop.deliver("cart-outcomes", OrderRejected(order_id=second), second)
    assert full.look()["state"] == "ordered"


class TestWaitingForTheOutcome:
    """Prefer: respond-sync."""

    def test_whoever_waits_hears_that_it_is_placed(self, shop: Shop, full: Shopper) -> None:
        order = id_of("order", full.cart, 1)
        with ThreadPoolExecutor(1) as shopper:
            answer = shopper.submit(full.submit, prefer="respond-sync, wait=10")
            until(lambda: live.submissions.find(order), "the submission")
            shop.deliver("cart-outcomes", OrderPlaced(order_id=order), order)
            reply = answer.result()
        assert (reply.status, reply.body["status"], reply.body["order_id"]) == (200, "placed", order)
        assert (reply.headers["Preference-Applied"], reply.headers["Vary"]) == ("respond-sync", "Prefer")

    def test_whoever_waits_hears_why_it_is_rejected(self, shop: Shop, full: Shopper) -> None:
        order, key, seen = id_of("order", full.cart, 1), new_id(), full("GET").etag
        wish = {"quote_id": new_id(), "total": {"amount": 500, "currency": "USD"}}
        assert full("POST", "/submission", wish, if_match=seen, idempotency_key=key).status == 202
        why = Reason(code="price-changed")
        shop.deliver("cart-outcomes", OrderRejected(order_id=order, reasons=(why,), quote_id="q"), order)
        reply = full("POST", "/submission", wish, if_match=seen, idempotency_key=key, prefer="respond-sync")
        assert (reply.status, reply.body["status"], reply.body["quote_id"]) == (200, "rejected", "q")
        assert reply.body["reasons"][0]["code"] == "price-changed"

    def test_when_the_time_is_up_it_is_answered_as_usual(self, full: Shopper) -> None:
        reply = full.submit(prefer="respond-sync, wait=0")
        assert (reply.status, reply.body["status"]) == (202, "pending")
        assert "Preference-Applied" not in reply.headers

    def test_where_too_many_wait_it_is_answered_at_once(self, full: Shopper) -> None:
        taken = [ROOM._seats.acquire(blocking=False) for _ in range(SEATS)]
        try:
            reply = full.submit(prefer="respond-sync")
        finally:
            for _ in filter(None, taken):
                ROOM._seats.release()
        assert (reply.status, reply.headers["Retry-After"]) == (202, "1")


def test_the_same_key_finds_the_same_order_after_a_rejection(shop: Shop, full: Shopper) -> None:
    wish = {"quote_id": new_id(), "total": {"amount": 1, "currency": "USD"}}
    headers = {"if_match": f'"{full.look()["version"]}"', "idempotency_key": "one"}
    first = full("POST", "/submission", wish, **headers)
    order = first.body["order_id"]
    shop.deliver("cart-outcomes", OrderRejected(order_id=order), order)
    again = full("POST", "/submission", wish, **headers)
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")


def test_an_order_that_no_cart_asked_for_is_nobodys_business(shop: Shop) -> None:
    order = new_id()
    shop.deliver("cart-outcomes", OrderPlaced(order_id=order), order)


def test_a_freeze_without_a_submission_is_given_back_and_a_late_commit_finds_it(cart: Doors, full: Shopper) -> None:
    frozen = live.carts.change(
        full.cart, lambda one: one.freezing(new_id(), one.lines[0].price, utcnow()).stamped(utcnow())
    ).cart
    later = utcnow() + overdue.FROZEN_FOR + timedelta(seconds=1)
    overdue.look(frozen=live.carts, carts=live.carts, submissions=live.submissions, now=later)
    assert full.look()["state"] == "open"
    late = live.submissions.open(frozen, utcnow())
    assert late.verdict == "abandoned"
    assert told(full.cart) == []
    assert full.submit().body["order_id"] == id_of("order", full.cart, 2)


def test_a_cart_that_cannot_be_read_keeps_no_other_frozen(shop: Shop, full: Shopper) -> None:
    other = Shopper(shop.doors)
    other.add(shop.sell())
    for cart in (other.cart, full.cart):
        live.carts.change(cart, lambda one: one.freezing(new_id(), one.lines[0].price, utcnow()).stamped(utcnow()))
    name = keys(other.cart)[0]
    [whole] = live.redis.ask(("HGET", name, "packed"))
    live.redis.ask(("HSET", name, "packed", "no cart"))
    later = utcnow() + overdue.FROZEN_FOR + timedelta(seconds=1)
    with pytest.raises(ExceptionGroup) as found:
        overdue.look(frozen=live.carts, carts=live.carts, submissions=live.submissions, now=later)
    assert [one.__notes__ for one in found.value.exceptions] == [[f"cart {other.cart}"]]
    assert full.look()["state"] == "open"
    live.redis.ask(("HSET", name, "packed", as_bytes(whole)))
    overdue.look(frozen=live.carts, carts=live.carts, submissions=live.submissions, now=later)
    assert other.look()["state"] == "open"


def test_an_overdue_verdict_is_asked_for_and_never_assumed(full: Shopper) -> None:
    full.submit()
    later = utcnow() + overdue.UNDECIDED_FOR + timedelta(seconds=1)
    for _ in range(100):  # other tests' submissions are asked about too, some at a time
        overdue.look(frozen=live.carts, carts=live.carts, submissions=live.submissions, now=later)
        if len(told(full.cart)) > 1:
            break
    assert full.look()["state"] == "submitted"
    first, again = told(full.cart)
    assert (bytes(first.data), first.id == again.id) == (bytes(again.data), False)
