"""Merging a guest's cart into a customer's: once, however often it is asked for."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from doors import Doors, Reply, customer

from chalicelib.cart import live
from souk.clock import utcnow

from .conftest import Shop, Shopper, changed

pytestmark = pytest.mark.stores


@pytest.fixture
def mine(cart: Doors) -> Shopper:
    return Shopper(cart, customer())


def merge(target: Shopper, source: Shopper, **headers: str) -> Reply:
    return target("POST", "/merge", {"source": source.cart, "source_token": source.token}, **headers)


def test_lines_move_and_the_source_says_where_to(shop: Shop, guest: Shopper, mine: Shopper) -> None:
    tea, coffee = shop.sell(), shop.sell()
    guest.add(tea, 2)
    guest.add(coffee)
    mine.add(tea, 3)
    assert merge(mine, guest).body["item_count"] == 6
    assert {line["sku"]: line["quantity"] for line in mine.look()["lines"]} == {tea: 5, coffee: 1}
    gone = guest("GET")
    assert (gone.status, gone.headers["Location"]) == (410, f"/cart/carts/{mine.cart}")


def test_merging_again_adds_nothing(shop: Shop, guest: Shopper, mine: Shopper) -> None:
    guest.add(shop.sell(), 2)
    with ThreadPoolExecutor(4) as devices:
        answers = list(devices.map(lambda _: merge(mine, guest).status, range(8)))
    assert answers == [200] * 8
    assert mine.look()["item_count"] == 2


def test_a_source_goes_into_one_cart_only(shop: Shop, guest: Shopper, mine: Shopper, cart: Doors) -> None:
    guest.add(shop.sell())
    merge(mine, guest)
    other = Shopper(cart, customer())
    assert merge(other, guest).status == 410
    assert other.look()["item_count"] == 0


def test_a_cart_needs_its_token_to_be_merged(guest: Shopper, mine: Shopper) -> None:
    assert mine("POST", "/merge", {"source": guest.cart, "source_token": "guess"}).status == 404
    assert mine("POST", "/merge", {"source": guest.cart}).status == 404
    assert mine("POST", "/merge", {"source": mine.cart}).status == 422


def test_a_submitted_cart_is_not_merged(shop: Shop, guest: Shopper, mine: Shopper) -> None:
    guest.add(shop.sell())
    guest.submit()
    assert merge(mine, guest).body["type"] == "urn:souk:problem:cart-submitted"


def test_a_merge_that_broke_off_is_finished_by_the_sources_event(shop: Shop, guest: Shopper, mine: Shopper) -> None:
    guest.add(shop.sell(), 4)
    live.carts.change(guest.cart, lambda one: one.merging_into(mine.cart).stamped(utcnow()))
    for _ in range(2):
        shop.take("cart-persistence", changed(guest.cart))
    assert mine.look()["item_count"] == 4


def test_what_was_merged_into_a_cart_merged_since_arrives_there(
    cart: Doors, shop: Shop, guest: Shopper, mine: Shopper
) -> None:
    guest.add(shop.sell(), 4)
    live.carts.change(guest.cart, lambda one: one.merging_into(mine.cart).stamped(utcnow()))
    last = Shopper(cart, mine.token)
    assert last("POST", "/merge", {"source": mine.cart}).status == 200
    shop.take("cart-persistence", changed(guest.cart))
    assert last.look()["item_count"] == 4
