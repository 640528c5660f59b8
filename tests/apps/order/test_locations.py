"""Stock lies at several locations; orders take from the one of the lowest rank that has it."""

from datetime import timedelta
from typing import Any

import pytest
from apps.order.shop import Shop

from souk.clock import utcnow
from souk.ids import new_id

pytestmark = pytest.mark.stores


def location(shop: Shop, rank: int = 1) -> str:
    """Open a fresh location."""
    code = f"l-{new_id()[-12:]}"
    reply = shop.doors("POST", "/locations", {"code": code, "name": "Loft", "rank": rank}, token=shop.staff)
    assert (reply.status, reply.etag) == (201, '"1"'), reply
    assert reply.headers["Location"] == f"/order/locations/{code}"
    return code


def adjust(shop: Shop, sku: str, where: str, change: int) -> None:
    wish = {"change": change, "reason": "received", "location": where}
    assert shop.doors("POST", f"/stock/{sku}/adjustments", wish, token=shop.staff).status == 201


def level(shop: Shop, sku: str, where: str = "default") -> dict[str, Any]:
    found: dict[str, Any] = shop.doors("GET", f"/stock/{sku}?location={where}", token=shop.staff).body
    return found


def agree(shop: Shop, sku: str, **terms: Any) -> dict[str, Any]:
    version = f'"{level(shop, sku)["version"]}"'
    reply = shop.doors("PATCH", f"/stock/{sku}", terms, token=shop.staff, if_match=version)
    assert reply.status == 200, reply
    agreed: dict[str, Any] = reply.body
    return agreed


def act(shop: Shop, order: str, what: str, body: object = None) -> Any:
    reply = shop.doors("POST", f"/orders/{order}/{what}", body, token=shop.staff)
    assert reply.status in {200, 201}, reply
    return reply.body


def test_locations_are_listed_by_rank_and_changed_as_seen(shop: Shop) -> None:
    code = location(shop, rank=3)
    change = {"rank": 2}
    path = f"/locations/{code}"
    assert shop.doors("PATCH", path, change, token=shop.staff).status == 428
    assert shop.doors("PATCH", path, change, token=shop.staff, if_match='"7"').status == 412
    changed = shop.doors("PATCH", path, change, token=shop.staff, if_match='"1"').body
    assert (changed["name"], changed["rank"], changed["version"]) == ("Loft", 2, 2)
    assert shop.doors("GET", path, token=shop.staff).body == changed
    listed = shop.doors("GET", "/locations", token=shop.staff).body["items"]
    assert listed[0]["code"] == "default"
    assert changed in listed
    taken = shop.doors("POST", "/locations", {"code": code, "name": "Again"}, token=shop.staff)
    assert taken.status == 409


def test_nothing_lies_where_there_is_no_location(shop: Shop) -> None:
    wish = {"change": 1, "reason": "received", "location": "nowhere"}
    assert shop.doors("POST", "/stock/tea/adjustments", wish, token=shop.staff).status == 404


def test_an_order_takes_from_where_it_all_is(shop: Shop) -> None:
    product, sku = shop.sell(stock=1)
    loft = location(shop)
    adjust(shop, sku, loft, 5)
    shop.submit(shop.submission(product, sku, 3))
    assert (level(shop, sku)["available"], level(shop, sku, loft)["available"]) == (1, 2)
    assert shop.told("stock.changed", f"{loft}/{sku}")[-1]["available"] == 2


def test_a_line_that_no_location_has_alone_is_shared_shipped_and_given_back(shop: Shop) -> None:
    product, sku = shop.sell(stock=2)
    loft = location(shop)
    adjust(shop, sku, loft, 2)
    kept, cancelled = (shop.submission(product, sku, 3) for _ in range(2))
    order = shop.submit(kept)
    assert [level(shop, sku, where)["reserved"] for where in ("default", loft)] == [2, 1]
    assert shop.doors("GET", f"/orders/{shop.submit(cancelled)}", token=shop.staff).body["reasons"][0]["available"] == 1
    act(shop, order, "payments", {"method": "cash"})
    for units, left in ((2, [(0, 0), (2, 1)]), (1, [(0, 0), (1, 0)])):
        act(shop, order, "shipments", {"carrier": "DHL", "parcels": [{"sku": sku, "quantity": units}]})
        rows = [level(shop, sku, where) for where in ("default", loft)]
        assert [(row["on_hand"], row["reserved"]) for row in rows] == left
    sources = shop.doors("GET", f"/orders/{order}", token=shop.staff).body["sources"]
    assert {one["location"]: (one["quantity"], one["shipped"]) for one in sources} == {"default": (2, 2), loft: (1, 1)}
    assert shop.doors("GET", f"/orders/{order}", token=shop.holder(order)).body["sources"] == []
    assert shop.doors("GET", f"/orders/{order}", token=shop.staff).body["status"] == "fulfilled"


def test_what_is_not_there_yet_is_sold_and_says_when_it_comes(shop: Shop) -> None:
    product, sku = shop.sell(stock=1)
    later = str((utcnow() + timedelta(days=9)).date())
    agreed = agree(shop, sku, backorder=5, expected_on=later)
    assert (agreed["available"], agreed["expected_on"]) == (6, later)
    told = shop.told("stock.changed", f"default/{sku}")[-1]
    assert (told["available"], told["ready"], told["expected_on"]) == (6, 1, later)
    found = shop.doors("GET", f"/orders/{shop.submit(shop.submission(product, sku, 3))}", token=shop.staff).body
    assert found["awaited"] == [{"sku": sku, "quantity": 2, "due_on": later, "preorder": False}]
    assert agree(shop, sku, expected_on=None)["expected_on"] is None


def test_what_is_not_out_yet_is_sold_in_advance(shop: Shop) -> None:
    product, sku = shop.sell(stock=5)
    later = str((utcnow() + timedelta(days=9)).date())
    agree(shop, sku, released_on=later)
    found = shop.doors("GET", f"/orders/{shop.submit(shop.submission(product, sku, 2))}", token=shop.staff).body
    assert found["awaited"] == [{"sku": sku, "quantity": 2, "due_on": later, "preorder": True}]


def test_low_stock_is_told_once_each_time_it_falls_so_low(shop: Shop) -> None:
    product, sku = shop.sell(stock=4)
    agree(shop, sku, low_at=2)
    for _ in range(3):
        shop.submit(shop.submission(product, sku))
    [told] = shop.told("stock.low", f"default/{sku}")
    assert told == {"sku": sku, "location": "default", "left": 2, "low_at": 2}
    shop.adjust(sku, 5)
    wish = {"change": -5, "reason": "damaged"}
    assert shop.doors("POST", f"/stock/{sku}/adjustments", wish, token=shop.staff).status == 201
    assert [one["left"] for one in shop.told("stock.low", f"default/{sku}")] == [2, 1]
