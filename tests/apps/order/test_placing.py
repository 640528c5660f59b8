"""A submitted cart becomes an order, or is turned down with reasons."""

from typing import Any

import pytest

pytestmark = pytest.mark.stores


def test_a_submitted_cart_becomes_an_order(shop: Any) -> None:
    product, sku = shop.sell(stock=3)
    order = shop.submit(shop.submission(product, sku, 2))
    assert shop.doors("GET", f"/stock/{sku}", token=shop.staff).body["available"] == 1
    (told,) = shop.told("order.placed", order)
    assert told["total"] == {"amount": 3_998, "currency": "USD"}
