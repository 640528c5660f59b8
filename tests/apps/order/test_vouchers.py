"""Vouchers: what staff make of them, what shoppers get for them, and how often."""

from datetime import timedelta
from typing import Any

import pytest
from apps.order.shop import Shop, wish

from chalicelib.order import checks, expiry, live
from chalicelib.order.checks import Violation
from souk.clock import utcnow
from souk.ids import new_id
from souk.money import Money

pytestmark = pytest.mark.stores
AGE = "UPDATE reservations SET held_until = now() - interval '1 second' WHERE order_id = %(order)s"


def read(shop: Shop, code: str) -> dict[str, Any]:
    reply = shop.doors("GET", f"/vouchers/{code}", token=shop.staff)
    assert reply.status == 200, reply
    found: dict[str, Any] = reply.body
    return found


def change(shop: Shop, code: str, body: object, *, status: int = 200) -> dict[str, Any]:
    seen = shop.doors("GET", f"/vouchers/{code}", token=shop.staff).etag
    reply = shop.doors("PATCH", f"/vouchers/{code}", body, token=shop.staff, if_match=seen)
    assert reply.status == status, reply
    found: dict[str, Any] = reply.body
    return found


def reasons(shop: Shop, order: str) -> list[tuple[str, str | None]]:
    found = shop.look(order)
    assert found["status"] == "rejected", found
    return [(one["code"], one["voucher"]) for one in found["reasons"]]


def expire(order: str) -> None:
    with live.database.reading() as tx:
        tx.run(AGE, order=order)
    expiry.sweep(books=live.books)


def test_staff_make_read_list_and_change_vouchers_and_it_is_audited(shop: Shop) -> None:
    code = shop.voucher(usage_limit=5, minimum={"amount": 100, "currency": "USD"})
    made = read(shop, code)
    assert (made["off"], made["usage_limit"], made["used"], made["version"]) == (1_000, 5, 0, 1)
    listed = shop.doors("GET", f"/vouchers?text={code[:10].lower()}", token=shop.staff).body["items"]
    assert code in [one["code"] for one in listed]
    assert change(shop, code, {"usage_limit": 7})["version"] == 2
    stale = shop.doors("PATCH", f"/vouchers/{code}", {"off": 1}, token=shop.staff, if_match='"1"')
    assert (stale.status, read(shop, code)["off"]) == (412, 1_000)
    assert shop.doors("PATCH", f"/vouchers/{code}", {"off": 1}, token=shop.staff).status == 428
    with live.database.reading() as tx:
        audit = "SELECT event FROM outbox WHERE type = 'admin.audited' AND event::jsonb#>>'{data,subject}' = %(code)s"
        assert len(tx.all(audit, code=code)) == 2


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"off": 0}, "/off"),
        ({"off": 10_001}, "/off"),
        ({"code": "no spaces"}, "/code"),
        ({"minimum": {"amount": 1, "currency": "EUR"}}, "/minimum/currency"),
        ({"minimum": {"amount": -1, "currency": "USD"}}, "/minimum/amount"),
        ({"valid_from": "2026-02-01T00:00:00Z", "valid_until": "2026-01-01T00:00:00Z"}, "/valid_until"),
        ({"market": "moon"}, "/market"),
    ],
)
def test_what_cannot_be_a_voucher_is_pointed_at(shop: Shop, body: dict[str, object], pointer: str) -> None:
    reply = shop.doors("POST", "/vouchers", {"code": "SOME-CODE", "off": 1_000, **body}, token=shop.staff)
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, pointer)


def test_a_code_is_taken_once_and_one_that_is_none_is_missing(shop: Shop) -> None:
    code = shop.voucher()
    again = shop.doors("POST", "/vouchers", {"code": code, "off": 1}, token=shop.staff)
    assert (again.status, again.body["type"]) == (409, "urn:souk:problem:voucher-taken")
    for missing in ("NONE", "%00", "caf%C3%A9"):
        assert shop.doors("GET", f"/vouchers/{missing}", token=shop.staff).status in {404, 422}
        reply = shop.doors("PATCH", f"/vouchers/{missing}", {"off": 1}, token=shop.staff, if_match='"1"')
        assert reply.status in {404, 422}


def test_a_voucher_takes_its_part_off_the_goods_and_the_lines_tell_how(shop: Shop) -> None:
    _, tea = shop.sell(price=1_999)
    _, rice = shop.sell(price=251)
    code = shop.voucher(1_500)
    quoted = shop.quote((tea, 1), (rice, 1), method="standard", vouchers=[code.lower()])
    assert quoted["vouchers"] == [{"code": code, "off": 1_500, "amount": {"amount": 338, "currency": "USD"}}]
    assert [line["discount"]["amount"] for line in quoted["lines"]] == [300, 38]
    assert quoted["discount"]["amount"] == 338
    assert quoted["total"]["amount"] == 1_999 + 251 - 338 + 499


def test_an_order_keeps_its_discount_and_reads_the_same_after_its_product_is_gone(shop: Shop) -> None:
    product, sku = shop.sell(price=1_000)
    code = shop.voucher()
    order = shop.submit(shop.submission(product, sku, 3, vouchers=[code]))
    placed = shop.look(order)
    (line,) = placed["lines"]
    assert (line["title"], line["discount"]["amount"], line["tax_rate"], line["tax"]["amount"]) == (
        "Tea, 500 g",
        300,
        800,
        200,
    )
    assert placed["totals"]["discount"]["amount"] == 300
    assert placed["vouchers"] == [
        {"code": code, "off": 1_000, "amount": {"amount": 300, "currency": "USD"}, "state": "used"}
    ]
    with live.documents.documents() as documents:
        documents["products"].delete_one({"_id": product})
    change(shop, code, {"off": 1, "valid_until": "2100-01-01T00:00:00Z"})
    assert shop.look(order) == placed


def test_the_last_use_is_used_once_and_the_other_cart_is_offered_the_price_without(shop: Shop) -> None:
    product, sku = shop.sell(price=1_000)
    code = shop.voucher(usage_limit=1)
    first, second = (shop.submission(product, sku, vouchers=[code]) for _ in range(2))
    assert shop.look(shop.submit(first))["status"] == "placed"
    order = shop.submit(second)
    assert reasons(shop, order) == [("voucher-used-up", code), ("price-changed", None)]
    due = shop.look(order)["reasons"][1]
    assert (due["accepted"]["amount"], due["due"]["amount"]) == (900, 1_000)
    assert shop.doors("GET", f"/stock/{sku}", token=shop.staff).body["reserved"] == 1
    assert read(shop, code)["used"] == 1
    offered = shop.look(order)["quote_id"]
    again = shop.submission(product, sku, quote_id=offered, accepted_total=Money(1_000, "USD"))
    assert shop.look(shop.submit(again))["status"] == "placed"
    used_up = shop.doors("POST", "/quotes", wish((sku, 1), vouchers=[code]))
    assert used_up.body["errors"] == [{"pointer": "/vouchers/0", "detail": "is used up"}]


def test_delivered_again_a_voucher_is_used_once(shop: Shop) -> None:
    product, sku = shop.sell()
    code = shop.voucher(usage_limit=1)
    fact = shop.submission(product, sku, vouchers=[code])
    assert [shop.look(shop.submit(fact))["status"] for _ in range(3)] == ["placed"] * 3
    assert read(shop, code)["used"] == 1


def test_a_cancelled_order_gives_its_voucher_back(shop: Shop) -> None:
    product, sku = shop.sell()
    code = shop.voucher(usage_limit=1)
    first, second = (shop.submission(product, sku, vouchers=[code]) for _ in range(2))
    order = shop.submit(first)
    for _ in range(2):
        shop.doors("POST", f"/orders/{order}/cancellation", token=shop.staff)
        assert read(shop, code)["used"] == 0
    assert shop.look(shop.submit(second))["status"] == "placed"
    assert read(shop, code)["used"] == 1


def test_an_order_that_is_not_paid_in_time_gives_its_voucher_back_and_late_money_takes_it_again(shop: Shop) -> None:
    product, sku = shop.sell()
    code = shop.voucher(usage_limit=1)
    first, second = (shop.submission(product, sku, vouchers=[code]) for _ in range(2))
    order = shop.submit(first)
    expire(order)
    assert (shop.look(order)["vouchers"][0]["state"], read(shop, code)["used"]) == ("released", 0)
    assert shop.doors("POST", f"/orders/{order}/payments", {"method": "cash"}, token=shop.staff).status == 201
    assert (shop.look(order)["vouchers"][0]["state"], read(shop, code)["used"]) == ("used", 1)
    assert reasons(shop, shop.submit(second))[0] == ("voucher-used-up", code)


def test_money_that_comes_when_others_used_the_voucher_is_refused(shop: Shop) -> None:
    product, sku = shop.sell()
    code = shop.voucher(usage_limit=1)
    first, second = (shop.submission(product, sku, vouchers=[code]) for _ in range(2))
    order = shop.submit(first)
    expire(order)
    assert shop.look(shop.submit(second))["status"] == "placed"
    reply = shop.doors("POST", f"/orders/{order}/payments", {"method": "cash"}, token=shop.staff)
    assert (reply.status, reply.body["type"]) == (409, "urn:souk:problem:voucher-used-up")
    assert read(shop, code)["used"] == 1


def test_a_limit_is_not_set_below_what_is_used(shop: Shop) -> None:
    product, sku = shop.sell()
    code = shop.voucher(usage_limit=2)
    order = shop.submit(shop.submission(product, sku, vouchers=[code]))
    assert change(shop, code, {"usage_limit": 0}, status=422)["errors"][0]["pointer"] == "/usage_limit"
    expire(order)
    assert change(shop, code, {"usage_limit": 0})["used"] == 0


def test_what_a_voucher_is_not_for_is_said(shop: Shop) -> None:
    _, sku = shop.sell(price=1_000)
    soon = (utcnow() + timedelta(hours=1)).isoformat()
    codes = [
        shop.voucher(valid_from=soon),
        shop.voucher(minimum={"amount": 1_001, "currency": "USD"}),
        f"NONE-{new_id()[-12:].upper()}",
    ]
    reply = shop.doors("POST", "/quotes", wish((sku, 1), vouchers=[*codes, codes[0]]))
    assert [(one["pointer"], one["detail"]) for one in reply.body["errors"]] == [("/vouchers/3", "is here twice")]
    reply = shop.doors("POST", "/quotes", wish((sku, 1), vouchers=codes))
    assert [(one["pointer"], one["detail"]) for one in reply.body["errors"]] == [
        ("/vouchers/0", "is not valid yet"),
        ("/vouchers/1", "is for goods worth 1001 USD or more"),
        ("/vouchers/2", "unknown voucher"),
    ]


def test_one_that_ended_before_the_cart_was_submitted_is_told_with_a_new_quote(shop: Shop) -> None:
    product, sku = shop.sell(price=1_000)
    code = shop.voucher()
    fact = shop.submission(product, sku, vouchers=[code])
    change(shop, code, {"valid_until": utcnow().isoformat()})
    order = shop.submit(fact)
    assert reasons(shop, order) == [("voucher-not-valid", code), ("price-changed", None)]
    offered = shop.look(order)["quote_id"]
    again = shop.submission(product, sku, quote_id=offered, accepted_total=Money(1_000, "USD"))
    assert shop.look(shop.submit(again))["status"] == "placed"


def test_the_sums_are_right_and_a_slip_in_them_is_found(shop: Shop) -> None:
    product, sku = shop.sell(price=1_000)
    code = shop.voucher(usage_limit=1)
    order = shop.submit(shop.submission(product, sku, 2, vouchers=[code]))
    slips = {
        "UPDATE order_lines SET total = total + 2, unit_price = unit_price + 1 WHERE order_id = %(order)s": {"money"},
        "UPDATE order_lines SET discount = discount - 1 WHERE order_id = %(order)s": {"money"},
        "UPDATE order_lines SET tax = tax + 1 WHERE order_id = %(order)s": {"money"},
        "UPDATE voucher_uses SET amount = amount + 1 WHERE order_id = %(order)s": {"money"},
        "UPDATE voucher_uses SET state = 'released' WHERE order_id = %(order)s": {"voucher"},
        "UPDATE vouchers SET used = used - 1 WHERE code = %(code)s": {"voucher"},
        "UPDATE orders SET status = 'cancelled' WHERE id = %(order)s": {"voucher"},
    }

    def wrong(found: list[Violation]) -> set[str]:
        return {one.rule for one in found if order in one.about or code in one.about}

    assert wrong(checks.PRICES.run().violations) == set()
    for slip, rules in slips.items():
        with live.books() as books:
            books.tx.run(slip, order=order, code=code)
            assert wrong(checks.PRICES.found(books.tx)) == rules
            books.tx.run("ROLLBACK; BEGIN")


@pytest.mark.parametrize(
    ("name", "moment"), [("valid_until", "9999-12-31T23:59:59-14:00"), ("valid_from", "0001-01-01T00:00:00+14:00")]
)
def test_a_moment_in_no_year_that_there_is_is_refused(shop: Shop, name: str, moment: str) -> None:
    code = shop.voucher()
    made = shop.doors("POST", "/vouchers", {"code": f"{code[:20]}-B", "off": 1, name: moment}, token=shop.staff)
    edited = shop.doors("PATCH", f"/vouchers/{code}", {name: moment}, token=shop.staff, if_match="1")
    for reply in (made, edited):
        assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, f"/{name}")
    assert shop.doors("GET", f"/vouchers/{code}", token=shop.staff).status == 200
