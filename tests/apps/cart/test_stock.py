"""Stock of several locations, heard of in whatever order, adds up to what shoppers are shown."""

from datetime import timedelta
from typing import Any

import pytest
from apps.cart.conftest import Shop, Shopper

from chalicelib.cart.events import StockChanged
from souk.clock import utcnow

pytestmark = pytest.mark.stores


def line(shop: Shop, sku: str, quantity: int) -> dict[str, Any]:
    guest = Shopper(shop.doors)
    guest.add(sku, quantity)
    shown: dict[str, Any] = guest.look()["lines"][0]
    return shown


def matters(shown: dict[str, Any]) -> list[str]:
    return [one["code"] for one in shown["problems"]]


def tell(shop: Shop, sku: str, version: int, **fact: Any) -> None:
    shop.deliver("cart-stock", StockChanged(sku=sku, **fact), f"{fact['location']}/{sku}", version)


def test_locations_add_up_each_under_its_own_version(shop: Shop) -> None:
    sku = shop.sell(stock=None)
    tell(shop, sku, 7, location="default", available=3, ready=3)
    tell(shop, sku, 2, location="loft", available=4, ready=4)
    tell(shop, sku, 6, location="default", available=9, ready=9)
    tell(shop, sku, 1, location="loft", available=0, ready=0)
    assert line(shop, sku, 7)["available"] == 7


def test_what_is_not_there_yet_is_shown_with_its_day(shop: Shop) -> None:
    sku, later = shop.sell(stock=None), (utcnow() + timedelta(days=9)).date()
    tell(shop, sku, 1, location="default", available=5, ready=1, expected_on=later)
    shown = line(shop, sku, 3)
    assert (matters(shown), shown["awaited"], shown["due_on"]) == (["back-order"], 2, str(later))
    tell(shop, sku, 2, location="default", available=5, ready=5, released_on=later)
    shown = line(shop, sku, 3)
    assert (matters(shown), shown["awaited"], shown["due_on"]) == (["pre-order"], 3, str(later))
    tell(shop, sku, 3, location="default", available=5, ready=5, released_on=(utcnow() - timedelta(days=1)).date())
    assert matters(line(shop, sku, 3)) == []
