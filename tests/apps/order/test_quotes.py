"""Quotes: what lines cost, and what cannot be priced."""

import pytest
from apps.order.shop import ADDRESS, Shop, wish

from chalicelib.order.model.tax import TaxClass

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
    methods = shop.doors("GET", "/shipping-methods?country=US").body["items"]
    assert {"standard", "express", "pickup"} == {method["code"] for method in methods}


def test_each_country_has_its_taxes_and_each_class_of_goods_its_rate(shop: Shop) -> None:
    _, book = shop.sell(price=1_000, tax_class=TaxClass.REDUCED)
    _, tea = shop.sell(price=1_000)
    berlin = {**ADDRESS, "postal_code": "10115", "region": "", "country": "DE"}
    quoted = shop.quote((book, 1), (tea, 1), method="europe", shipping_address=berlin)
    assert [(line["tax_rate"], line["tax"]["amount"]) for line in quoted["lines"]] == [(700, 65), (1_900, 160)]
    assert (quoted["shipping"]["amount"], quoted["shipping_tax"]["amount"]) == (1_899, 303)
    assert (quoted["country"], quoted["tax"]["amount"]) == ("DE", 65 + 160 + 303)


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
        ({"shipping_address": {**ADDRESS, "country": "JP"}}, "/shipping_address/country"),
        ({"shipping_address": {**ADDRESS, "country": "DE"}}, "/shipping_method"),
        ({"shipping_address": {**ADDRESS, "postal_code": "D-8950"}}, "/shipping_address/postal_code"),
        ({"shipping_address": {**ADDRESS, "region": ""}}, "/shipping_address/region"),
        ({"billing_address": {**ADDRESS, "country": "CA"}}, "/billing_address/postal_code"),
        ({"contact": {"email": "nobody", "name": "Ada"}}, "/contact/email"),
        ({"surprise": 1}, "/surprise"),
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


@pytest.mark.parametrize("sign", ["\r\n", "\x1b", "\x85", "\u2028", "\u202e"])
def test_what_is_written_on_a_parcel_can_be_printed(shop: Shop, sign: str) -> None:
    _, sku = shop.sell()
    contact = {"email": "ada@example.com", "name": f"Ada{sign}Bcc: x"}
    told = shop.doors("POST", "/quotes", wish((sku, 1), contact=contact, billing_address={**ADDRESS, "street": sign}))
    assert [one["pointer"] for one in told.body["errors"]] == ["/contact/name", "/billing_address/street"]
