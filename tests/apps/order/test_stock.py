"""Stock as staff see and set it."""

from typing import Any

import pytest
from apps.order.shop import Shop

from chalicelib.order import live
from souk.ids import new_id

pytestmark = pytest.mark.stores
LEDGER = "SELECT sum(on_hand) AS on_hand, sum(reserved) AS reserved FROM stock_ledger WHERE sku = %(sku)s"


def put(shop: Shop, sku: str, body: object, version: int | str, status: int = 200) -> dict[str, Any]:
    reply = shop.doors("PUT", f"/stock/{sku}", body, token=shop.staff, if_match=f'"{version}"')
    assert reply.status == status, reply
    level: dict[str, Any] = reply.body
    return level


def test_stock_is_set_to_what_was_counted(shop: Shop) -> None:
    sku = f"sku-{new_id()}"
    first = put(shop, sku, {"on_hand": 7}, 0)
    second = put(shop, sku, {"on_hand": 4, "backorder": 2}, first["version"])
    assert (second["on_hand"], second["available"]) == (4, 6)
    read = shop.doors("GET", f"/stock/{sku}", token=shop.staff)
    assert (read.body, read.etag) == (second, f'"{second["version"]}"')
    with live.database.reading() as tx:
        assert tx.one(LEDGER, sku=sku) == {"on_hand": 4, "reserved": 0}
    ledger = shop.doors("GET", f"/stock/{sku}/adjustments", token=shop.staff).body["items"]
    assert [(entry["why"], entry["on_hand"]) for entry in ledger] == [("counted", -3), ("counted", 7)]
    assert [told["on_hand"] for told in shop.told("stock.changed", f"default/{sku}")] == [7, 4]


def test_a_count_of_an_older_version_is_stale_and_one_without_a_version_is_refused(shop: Shop) -> None:
    sku = f"sku-{new_id()}"
    put(shop, sku, {"on_hand": 7}, 0)
    put(shop, sku, {"on_hand": 8}, 0, status=412)
    assert shop.doors("PUT", f"/stock/{sku}", {"on_hand": 8}, token=shop.staff).status == 428
    put(shop, f"sku-{new_id()}", {"on_hand": 8}, 3, status=404)


def test_stock_below_what_is_promised_is_refused(shop: Shop) -> None:
    product, sku = shop.sell(stock=5)
    shop.submit(shop.submission(product, sku, 4))
    version = shop.doors("GET", f"/stock/{sku}", token=shop.staff).body["version"]
    put(shop, sku, {"on_hand": 3}, version, status=409)
    lost = {"change": -2, "reason": "lost"}
    assert shop.doors("POST", f"/stock/{sku}/adjustments", lost, token=shop.staff).status == 409


def test_the_ledger_tells_of_movements_alone(shop: Shop) -> None:
    _, sku = shop.sell(stock=5)
    nothing = {"change": 0, "reason": "corrected"}
    refused = shop.doors("POST", f"/stock/{sku}/adjustments", nothing, token=shop.staff)
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/change")
    version = shop.doors("GET", f"/stock/{sku}", token=shop.staff).body["version"]
    terms = shop.doors("PATCH", f"/stock/{sku}", {"low_at": 2}, token=shop.staff, if_match=f'"{version}"')
    assert (terms.status, terms.body["low_at"], terms.body["version"]) == (200, 2, version + 1)
    [entry] = shop.doors("GET", f"/stock/{sku}/adjustments", token=shop.staff).body["items"]
    assert entry["on_hand"] == 5


def test_an_adjustment_with_the_same_key_is_made_once(shop: Shop) -> None:
    sku = f"sku-{new_id()}"
    change = {"change": 5, "reason": "received", "note": "the green crate"}
    for _ in range(2):
        reply = shop.doors("POST", f"/stock/{sku}/adjustments", change, token=shop.staff, idempotency_key="crate")
        assert (reply.status, reply.body["on_hand"]) == (201, 5)


def test_staff_cannot_speak_for_the_shop_itself(shop: Shop) -> None:
    reply = shop.doors("POST", "/stock/a/adjustments", {"change": 5, "reason": "reserved"}, token=shop.staff)
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, "/reason")


def test_stock_is_listed_in_pages_by_the_beginning_of_the_sku(shop: Shop) -> None:
    begin = f"p_{new_id()}"
    for n in range(3):
        shop.adjust(f"{begin}-{n}", 1)
    first = shop.doors("GET", f"/stock?text={begin}&limit=2", token=shop.staff).body
    rest = shop.doors("GET", f"/stock?text={begin}&limit=2&cursor={first['next']}", token=shop.staff).body
    assert [level["sku"] for level in first["items"] + rest["items"]] == [f"{begin}-{n}" for n in range(3)]
    assert rest["next"] is None


@pytest.mark.parametrize("sku", ["%20", "caf%C3%A9", "x" * 65])
def test_what_cannot_be_a_sku_is_missing(shop: Shop, sku: str) -> None:
    assert shop.doors("GET", f"/stock/{sku}", token=shop.staff).status == 404
    reply = shop.doors("POST", f"/stock/{sku}/adjustments", {"change": 1, "reason": "lost"}, token=shop.staff)
    assert reply.status == 404
