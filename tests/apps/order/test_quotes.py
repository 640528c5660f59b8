"""Quotes: what lines cost, and what cannot be priced."""

import pytest
from apps.order.shop import ADDRESS, Shop, wish

pytestmark = pytest.mark.stores


def test_a_quote_prices_lines_shipping_and_tax_and_sums(shop: Shop) -> None:
    _, tea = shop.sell(price=1_999)
    _, rice = shop.sell(price=250)
    quoted = shop.quote((tea, 2), (rice, 3), method="standard")
    assert [line["total"]["amount"] for line in quoted["lines"]] == [3_998, 750]
    assert (quoted["goods"]["amount"], quoted["shipping"]["amount"], quoted["total"]["amount"]) == (4_748, 499, 5_247)
    assert quoted["tax_included"]
    assert 0 < quoted["tax"]["amount"] < quoted["total"]["amount"]


def test_shipping_is_free_from_some_worth_on(shop: Shop) -> None:
    _, sku = shop.sell(price=5_000)
    assert shop.quote((sku, 1), method="standard")["shipping"]["amount"] == 0
    methods = shop.doors("GET", "/shipping-methods").body["items"]
    assert {"standard", "express", "pickup"} == {method["code"] for method in methods}


def test_the_same_key_gets_the_same_quote(shop: Shop) -> None:
    _, sku = shop.sell()
    first, again = (shop.doors("POST", "/quotes", wish((sku, 1)), idempotency_key=sku) for _ in range(2))
    assert first.body == again.body
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"vouchers": ["SPRING"]}, "/vouchers/0"),
        ({"lines": [{"sku": "nobody-sells-this", "quantity": 1}]}, "/lines/0/sku"),
        ({"lines": [{"sku": "a", "quantity": 0}]}, "/lines/0/quantity"),
        ({"lines": [{"sku": "a", "quantity": 1}, {"sku": "a", "quantity": 1}]}, "/lines/1/sku"),
        ({"lines": []}, "/lines"),
        ({"shipping_method": "pigeon"}, "/shipping_method"),
        ({"market": "moon"}, "/market"),
        ({"shipping_address": {**ADDRESS, "country": "DE"}}, "/shipping_address/country"),
        ({"contact": {"email": "nobody", "name": "Ada"}}, "/contact/email"),
        ({"surprise": 1}, ""),
    ],
)
def test_what_cannot_be_priced_is_pointed_at(shop: Shop, change: dict[str, object], pointer: str) -> None:
    _, sku = shop.sell()
    reply = shop.doors("POST", "/quotes", {**wish((sku, 1)), **change})
    assert reply.status == 422, reply
    assert reply.body["errors"][0]["pointer"] == pointer


def test_an_older_product_event_changes_nothing(shop: Shop) -> None:
    product, sku = shop.sell(price=500, version=5)
    shop.publish(product, sku, price=100, version=4)
    assert shop.quote((sku, 1))["goods"]["amount"] == 500
