"""Stock held for a quote while its shopper checks out: once, for a while, and taken over by the order."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from ipaddress import IPv4Address
from typing import Any

import pytest
from apps.order.shop import Shop
from doors import Reply, staff

from chalicelib.order import checks, expiry, live
from souk.clock import utcnow
from souk.ids import new_id
from souk.money import Money

pytestmark = pytest.mark.stores


def put(shop: Shop, quote: str, **headers: str) -> Reply:
    return shop.doors("PUT", f"/quotes/{quote}/reservation", **headers)


def level(shop: Shop, sku: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.doors("GET", f"/stock/{sku}", token=shop.staff).body
    return found


def buy(shop: Shop, product: str, sku: str, quote: dict[str, Any], quantity: int = 1) -> dict[str, Any]:
    total = Money(**quote["total"])
    order = shop.submit(shop.submission(product, sku, quantity, quote_id=quote["id"], accepted_total=total))
    found: dict[str, Any] = shop.doors("GET", f"/orders/{order}", token=shop.staff).body
    return found


def run_out(quote: str) -> None:
    with live.reading() as books:
        books.tx.run("UPDATE holds SET held_until = now() - interval '1 second' WHERE quote_id = %(id)s", id=quote)


def test_what_is_held_is_not_sold_to_others_and_is_taken_over_once(shop: Shop) -> None:
    product, sku = shop.sell(stock=2)
    quoted = shop.quote((sku, 2))
    held = put(shop, quoted["id"])
    assert (held.status, held.body["lines"]) == (200, [{"sku": sku, "quantity": 2}])
    assert put(shop, quoted["id"]).body == held.body
    assert level(shop, sku)["reserved"] == 2
    others = shop.doors("GET", f"/orders/{shop.submit(shop.submission(product, sku))}", token=shop.staff).body
    assert [reason["code"] for reason in others["reasons"]] == ["out-of-stock"]
    assert buy(shop, product, sku, quoted, 2)["status"] == "placed"
    assert level(shop, sku)["reserved"] == 2
    ledger = shop.doors("GET", f"/stock/{sku}/adjustments", token=shop.staff).body["items"]
    assert [(one["why"], one["reserved"]) for one in ledger][:3] == [("reserved", 2), ("released", -2), ("reserved", 2)]
    assert put(shop, quoted["id"]).body["type"] == "urn:souk:problem:held-before"


def test_when_time_is_up_the_next_buyer_takes_it_though_nobody_sweeps(shop: Shop) -> None:
    product, sku = shop.sell(stock=1)
    quoted = shop.quote((sku, 1))
    put(shop, quoted["id"])
    run_out(quoted["id"])
    assert put(shop, quoted["id"]).status == 409
    assert buy(shop, product, sku, shop.quote((sku, 1)))["status"] == "placed"
    assert buy(shop, product, sku, quoted)["status"] == "rejected"


def test_the_sweep_ends_what_is_over(shop: Shop) -> None:
    _, sku = shop.sell(stock=1)
    quoted = shop.quote((sku, 1))
    put(shop, quoted["id"])
    run_out(quoted["id"])
    expiry.sweep(books=live.books)
    assert level(shop, sku)["reserved"] == 0
    assert shop.told("stock.changed", f"default/{sku}")[-1]["available"] == 1


def test_it_is_given_back_when_the_shopper_says_so(shop: Shop) -> None:
    _, sku = shop.sell(stock=1)
    quoted = shop.quote((sku, 1))
    put(shop, quoted["id"])
    for _ in range(2):
        assert shop.doors("DELETE", f"/quotes/{quoted['id']}/reservation").status == 204
    assert level(shop, sku)["reserved"] == 0


def test_a_new_quote_for_a_changed_price_has_what_the_old_one_had(shop: Shop) -> None:
    product, sku = shop.sell(stock=1, price=1_000)
    quoted = shop.quote((sku, 1))
    put(shop, quoted["id"])
    shop.publish(product, sku, price=1_200, version=2)
    rejected = buy(shop, product, sku, quoted)
    again = {"id": rejected["quote_id"], "total": {"amount": 1_200, "currency": "USD"}}
    assert put(shop, again["id"]).body["lines"] == [{"sku": sku, "quantity": 1}]
    assert buy(shop, product, sku, again)["status"] == "placed"


def test_only_so_much_is_held_for_so_long(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    _, sku = shop.sell(stock=50)
    assert put(shop, shop.quote((sku, 21))["id"]).body["type"] == "urn:souk:problem:too-many-units"
    assert put(shop, new_id()).status == 404
    assert put(shop, "gibberish").status == 404
    monkeypatch.setenv("ORDER_HOLD_QUOTES", "1")
    first = put(shop, shop.quote((sku, 1))["id"])
    assert datetime.fromisoformat(first.body["held_until"]) <= utcnow() + timedelta(minutes=15)
    assert put(shop, shop.quote((sku, 1))["id"]).status == 429
    assert (
        put(shop, shop.quote((sku, 1))["id"], x_real_ip=str(IPv4Address(secrets.randbits(24) | 10 << 24))).status == 200
    )
    monkeypatch.setenv("ORDER_HOLD_MINUTES", "0")
    assert put(shop, shop.quote((sku, 1))["id"]).body["type"] == "urn:souk:problem:no-holds"


def test_nothing_is_held_for_a_quote_that_was_ordered_by(shop: Shop) -> None:
    product, sku = shop.sell(stock=5)
    quoted = shop.quote((sku, 1))
    assert buy(shop, product, sku, quoted)["status"] == "placed"
    assert put(shop, quoted["id"]).body["type"] == "urn:souk:problem:quote-used"


def test_more_than_there_is_is_not_held(shop: Shop) -> None:
    _, sku = shop.sell(stock=1)
    assert put(shop, shop.quote((sku, 2))["id"]).body["type"] == "urn:souk:problem:short"


def test_a_quote_says_what_is_not_there_yet(shop: Shop) -> None:
    _, sku = shop.sell(stock=1)
    later = str((utcnow() + timedelta(days=9)).date())
    version = f'"{level(shop, sku)["version"]}"'
    terms = {"backorder": 5, "expected_on": later}
    assert shop.doors("PATCH", f"/stock/{sku}", terms, token=shop.staff, if_match=version).status == 200
    awaited = [{"sku": sku, "quantity": 1, "due_on": later, "preorder": False}]
    quoted = shop.quote((sku, 2))
    assert quoted["awaited"] == awaited
    assert put(shop, quoted["id"]).body["awaited"] == awaited


def test_the_books_are_right_and_a_slip_in_them_is_found(shop: Shop) -> None:
    product, sku = shop.sell(stock=3)
    shop.submit(shop.submission(product, sku, 2))
    put(shop, shop.quote((sku, 1))["id"])

    def found() -> set[str]:
        return {one.rule for one in checks.STOCK.run().violations if sku in one.about + one.detail}

    assert found() == set()
    slips = {
        "UPDATE stock SET on_hand = on_hand + 1 WHERE sku = %(sku)s": {"ledger"},
        "UPDATE stock SET reserved = reserved - 1 WHERE sku = %(sku)s": {"ledger", "reserved"},
        "UPDATE holds SET state = 'released' WHERE sku = %(sku)s": {"reserved"},
        "UPDATE reservations SET state = 'released' WHERE sku = %(sku)s": {"reserved", "uncovered"},
    }
    for slip, rules in slips.items():
        with live.books() as books:
            books.tx.run(slip, sku=sku)
            assert {one.rule for one in checks.STOCK.found(books.tx) if sku in one.about + one.detail} == rules
            books.tx.run("ROLLBACK; BEGIN")
    assert found() == set()


def test_many_at_once_hold_no_more_than_one_after_another(shop: Shop) -> None:
    wanted = [shop.quote((shop.sell()[1], 1))["id"] for _ in range(16)]
    address = str(IPv4Address(secrets.randbits(24) | 10 << 24))
    with ThreadPoolExecutor(16) as crowd:
        replies = list(crowd.map(lambda quote: put(shop, quote, x_real_ip=address), wanted))
    assert sorted(reply.status for reply in replies) == [200] * 10 + [429] * 6


def test_staff_see_what_was_held_together_and_not_by_which_quote(shop: Shop) -> None:
    _, sku = shop.sell(stock=2)
    quoted = shop.quote((sku, 1))["id"]
    put(shop, quoted)
    shop.doors("DELETE", f"/quotes/{quoted}/reservation")
    given, taken, _ = shop.doors("GET", f"/stock/{sku}/adjustments", token=staff("stock:read")).body["items"]
    assert given["hold"] == taken["hold"] is not None
    assert quoted not in str((given, taken))
