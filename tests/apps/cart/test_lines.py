"""What shoppers do with lines at the cart's doors."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from doors import Doors, customer, staff

from chalicelib.cart import live
from souk.auth import digest
from souk.ids import new_id

from .conftest import Shop, Shopper

pytestmark = pytest.mark.stores


def test_a_guest_fills_a_cart_and_sees_it(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell(price=250)
    assert guest.add(tea, 2).body["item_count"] == 2
    assert guest.add(tea, 1).body["quantity"] == 3
    seen = guest("GET")
    [line] = seen.body["lines"]
    assert (line["title"], line["quantity"], line["available"], [one["code"] for one in line["problems"]]) == (
        "Tea, 500 g",
        3,
        10,
        [],
    )
    assert seen.body["subtotal"] == {"amount": 750, "currency": "USD"}
    assert seen.etag == f'"{seen.body["version"]}"'
    assert seen.body["degraded"] is False


def test_only_the_hash_of_a_guests_token_is_kept(guest: Shopper) -> None:
    kept = live.carts.get(guest.cart)
    assert kept.holder.token_hash == digest(guest.token)
    [document] = live.redis.ask(("HGET", f"{{b{int(guest.cart[-4:], 16) % 64:02d}}}:cart:{guest.cart}", "packed"))
    assert guest.token not in document


def test_amounts_change_and_lines_go(shop: Shop, guest: Shopper) -> None:
    tea, coffee = shop.sell(), shop.sell()
    guest.add(tea)
    guest.add(coffee)
    changed = guest("PUT", f"/lines/{tea}", {"quantity": 7})
    assert (changed.body["quantity"], changed.body["item_count"]) == (7, 8)
    assert guest("DELETE", f"/lines/{coffee}").body["line_count"] == 1
    assert [line["sku"] for line in guest.look()["lines"]] == [tea]


def test_a_change_answers_with_the_cart_as_a_look_would(shop: Shop, guest: Shopper) -> None:
    tea, coffee = shop.sell(), shop.sell()
    guest.add(coffee)
    for reply in (
        guest.add(tea, 2, if_match=guest("GET").etag),
        guest("PUT", f"/lines/{tea}", {"quantity": 3}),
        guest("PATCH", f"/lines/{tea}", {"by": -1}),
        guest("DELETE", f"/lines/{coffee}"),
    ):
        assert reply.etag == f'"{reply.body["cart"]["version"]}"'
    seen = guest("GET")
    assert (reply.body["cart"], reply.etag) == (seen.body, seen.etag)


def test_a_line_changes_by_more_or_less_until_it_goes(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell()
    guest.add(tea, 2)
    assert guest("PATCH", f"/lines/{tea}", {"by": 3}).body["quantity"] == 5
    assert guest("PATCH", f"/lines/{tea}", {"by": -4}).body["quantity"] == 1
    assert guest("PATCH", f"/lines/{tea}", {"by": -1}).body["cart"]["lines"] == []
    assert guest("PATCH", f"/lines/{tea}", {"by": 1}).status == 404


def test_a_change_by_and_to_a_quantity_at_once_makes_no_sense(shop: Shop, guest: Shopper) -> None:
    refused = guest("PATCH", "/lines/any", {"by": 1, "quantity": 1})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/by")


def test_a_note_is_kept_with_its_line(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell()
    assert guest("POST", "/lines", {"sku": tea, "note": "the blue one"}).status == 200
    assert guest.add(tea).body["cart"]["lines"][0]["note"] == "the blue one"
    assert guest("PATCH", f"/lines/{tea}", {"note": ""}).body["cart"]["lines"][0]["note"] == ""
    assert guest("PATCH", f"/lines/{tea}", {"note": "x" * 501}).status == 422


def test_what_is_saved_for_later_is_shown_apart_and_comes_back(shop: Shop, guest: Shopper) -> None:
    tea, coffee = shop.sell(), shop.sell()
    guest.add(tea, 2)
    guest.add(coffee)
    saved = guest("PATCH", f"/lines/{tea}", {"later": True}).body["cart"]
    assert ([one["sku"] for one in saved["lines"]], [one["sku"] for one in saved["saved"]]) == ([coffee], [tea])
    assert (saved["item_count"], saved["subtotal"]["amount"]) == (1, 250)
    assert guest("PATCH", f"/lines/{tea}", {"later": False}).body["item_count"] == 3


def test_clearing_takes_every_line_that_is_not_saved(shop: Shop, guest: Shopper) -> None:
    tea, coffee = shop.sell(), shop.sell()
    guest.add(tea)
    guest.add(coffee)
    guest("PATCH", f"/lines/{tea}", {"later": True})
    cleared = guest("DELETE", "/lines").body
    assert (cleared["line_count"], [one["sku"] for one in cleared["cart"]["saved"]]) == (0, [tea])


def test_an_empty_cart_is_a_list_of_no_lines(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell()
    guest.add(tea)
    guest("DELETE", f"/lines/{tea}")
    seen = guest.look()
    assert (seen["lines"], seen["subtotal"]["amount"]) == ([], 0)


def test_what_is_not_sold_cannot_be_added(shop: Shop, guest: Shopper) -> None:
    assert guest.add("nothing-like-it").body["type"] == "urn:souk:problem:unknown-product"
    assert guest.add("nothing-like-it").status == 409


def test_a_line_that_is_not_there_cannot_be_changed(guest: Shopper) -> None:
    assert guest("PUT", "/lines/none", {"quantity": 1}).status == 404
    assert guest("DELETE", "/lines/none").status == 404


@pytest.mark.parametrize("quantity", [0, -1, 10_000, 1.5, "2"])
def test_a_quantity_out_of_bounds_is_pointed_at(guest: Shopper, quantity: object) -> None:
    refused = guest("POST", "/lines", {"sku": "any", "quantity": quantity})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/quantity")


def test_a_line_holds_no_more_than_its_limit(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell()
    guest.add(tea, 999)
    assert guest.add(tea, 1).body["type"] == "urn:souk:problem:too-many-of-one"


def test_another_ones_cart_is_not_there(cart: Doors, guest: Shopper) -> None:
    path = f"/carts/{guest.cart}"
    assert cart("GET", path, token="guess").status == 404
    assert cart("GET", path, token=customer()).status == 404
    assert cart("POST", f"{path}/lines", {"sku": "a"}, token="guess").status == 404
    assert cart("GET", path).status == 401
    assert cart("GET", path, token=staff("orders:read")).status == 403
    assert cart("GET", "/carts/nonsense", token=guest.token).status == 404
    assert cart("GET", f"/carts/{new_id()}", token=guest.token).status == 404


def test_a_customers_cart_is_held_by_signing_in(cart: Doors, shop: Shop) -> None:
    me = customer()
    mine = Shopper(cart, me)
    assert mine.opened.body["token"] is None
    assert mine.add(shop.sell()).status == 200
    assert cart("GET", f"/carts/{mine.cart}", token=customer()).status == 404


def test_a_change_of_a_version_not_seen_is_stale(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell()
    first = guest.add(tea)
    assert guest.add(tea, if_match=first.etag).status == 200
    assert guest.add(tea, if_match=first.etag).status == 412
    assert guest.look()["item_count"] == 2


def test_a_repeated_request_is_answered_again_and_done_once(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell()
    first = guest.add(tea, 2, idempotency_key="one")
    guest.add(tea, 1)
    again = guest.add(tea, 2, idempotency_key="one")
    now = again.body.pop("cart")
    assert first.body.pop("cart")["item_count"] == 2
    assert (again.body, again.headers["Idempotent-Replayed"]) == (first.body, "true")
    assert (now["item_count"], now["version"]) == (3, guest.look()["version"])
    assert "Idempotent-Replayed" not in first.headers
    assert guest.look()["item_count"] == 3


def test_a_key_with_another_body_is_refused(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell()
    guest.add(tea, 2, idempotency_key="one")
    assert guest.add(tea, 3, idempotency_key="one").body["type"] == "urn:souk:problem:key-reused"


def test_opening_a_cart_twice_under_one_key_is_one_cart(cart: Doors) -> None:
    key = new_id()
    first = cart("POST", "/carts", {}, idempotency_key=key)
    again = cart("POST", "/carts", {}, idempotency_key=key)
    assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (201, first.body, "true")
    assert cart("POST", "/carts", {"market": "default"}, idempotency_key=key).body["type"].endswith("key-reused")


def test_no_change_is_lost_among_many_at_once(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell()
    with ThreadPoolExecutor(8) as shoppers:
        answers = list(shoppers.map(lambda _: guest.add(tea).status, range(40)))
    assert answers == [200] * 40
    assert guest.look()["item_count"] == 40


def test_a_changed_price_and_a_short_shelf_are_noted(shop: Shop, guest: Shopper) -> None:
    product = new_id()
    tea = shop.sell(product=product, price=250, stock=10)
    guest.add(tea, 5)
    shop.sell(product=product, price=300, stock=3, version=2)
    [line] = guest.look()["lines"]
    assert [one["code"] for one in line["problems"]] == ["price-changed", "not-enough"]
    assert (line["problems"][1]["detail"], line["problems"][1]["left"]) == ("only 3 left", 3)
    assert (line["seen_price"]["amount"], line["price"]["amount"], line["total"]["amount"]) == (250, 300, 1500)
    shop.sell(product=product, price=300, stock=0, version=3)
    assert [one["code"] for one in guest.look()["lines"][0]["problems"]] == ["price-changed", "out-of-stock"]


def test_an_unknown_market_is_pointed_at(cart: Doors) -> None:
    refused = cart("POST", "/carts", {"market": "moon"})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/market")


def test_a_refusal_is_repeated_under_its_key(shop: Shop, guest: Shopper) -> None:
    product = new_id()
    first = guest.add(f"sku-{product}", idempotency_key="one")
    shop.sell(product=product)
    again = guest.add(f"sku-{product}", idempotency_key="one")
    assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (409, first.body, "true")
    assert guest.add(f"sku-{product}", 2, idempotency_key="one").status == 422
    assert guest.add(f"sku-{product}").status == 200


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"sku": ""}, "/sku"),
        ({"sku": "a\u0000b"}, "/sku"),
        ({"sku": "a" * 101}, "/sku"),
        ({"sku": 1}, "/sku"),
        ({"sku": "a", "colour": "red"}, "/colour"),
        ([], ""),
    ],
)
def test_a_wish_that_makes_no_sense_is_pointed_at(guest: Shopper, wish: object, pointer: str) -> None:
    refused = guest("POST", "/lines", wish)
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, pointer)


def test_an_odd_sku_in_an_address_is_not_there(guest: Shopper) -> None:
    for odd in ("%00", "%ff", "a%2Fb", "%F0%9F%90%AA"):
        assert guest("PUT", f"/lines/{odd}", {"quantity": 1}).status == 404
