"""Merging a guest's cart into a customer's: once, however often it is asked for."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from doors import Doors, Reply, customer
from msgspec.structs import replace

from chalicelib.cart import live
from chalicelib.cart.lines import Merging
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


@pytest.mark.parametrize(
    ("strategy", "lines"),
    [
        ("sum", {"tea": 5, "cup": 1, "pot": 4}),
        ("max", {"tea": 3, "cup": 1, "pot": 4}),
        ("replace", {"tea": 2, "pot": 4}),
    ],
)
def test_lines_move_as_was_chosen(
    shop: Shop, guest: Shopper, mine: Shopper, strategy: str, lines: dict[str, int]
) -> None:
    names = {shop.sell(): name for name in ("tea", "cup", "pot")}
    skus = {name: sku for sku, name in names.items()}
    for shopper, wishes in ((mine, {"tea": 3, "cup": 1}), (guest, {"tea": 2, "pot": 4})):
        for name, quantity in wishes.items():
            shopper.add(skus[name], quantity)
    wish = {"source": guest.cart, "source_token": guest.token, "strategy": strategy}
    merged = mine("POST", "/merge", wish)
    assert {names[one["sku"]]: one["quantity"] for one in merged.body["cart"]["lines"]} == lines
    again = mine("POST", "/merge", {**wish, "strategy": "sum"})
    assert (again.status, again.body["cart"]["lines"]) == (200, merged.body["cart"]["lines"])


def test_a_merge_whose_answer_was_lost_is_finished_as_it_was_begun(shop: Shop, guest: Shopper, mine: Shopper) -> None:
    tea = shop.sell()
    guest.add(tea, 4)
    mine.add(tea, 3)
    live.carts.change(guest.cart, lambda one: one.merging_into(mine.cart, Merging.MAX).stamped(utcnow()))
    assert merge(mine, guest).body["item_count"] == 4
    assert merge(mine, guest).body["item_count"] == 4


def test_a_merge_keeps_the_limits(shop: Shop, guest: Shopper, mine: Shopper) -> None:
    tea = shop.sell()
    guest.add(tea, 600)
    mine.add(tea, 600)
    assert merge(mine, guest).body["item_count"] == live.limits().of_one == 999


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


def test_a_merge_that_only_a_lost_primary_knows_of_moves_nothing(shop: Shop, guest: Shopper, mine: Shopper) -> None:
    guest.add(shop.sell(), 4)
    told, merged = changed(guest.cart), live.carts.get(guest.cart).merging_into(mine.cart)
    guest.add(shop.sell())  # the heir has not heard of the merge: the cart goes on
    shop.take("cart-persistence", replace(told, data=msgspec.Raw(msgspec.json.encode(merged))))
    assert mine.look()["item_count"] == 0
    assert merge(mine, guest).status == 200
    assert mine.look()["item_count"] == 5


def test_what_was_merged_into_a_cart_merged_since_arrives_there(
    cart: Doors, shop: Shop, guest: Shopper, mine: Shopper
) -> None:
    guest.add(shop.sell(), 4)
    live.carts.change(guest.cart, lambda one: one.merging_into(mine.cart).stamped(utcnow()))
    last = Shopper(cart, mine.token)
    assert last("POST", "/merge", {"source": mine.cart}).status == 200
    shop.take("cart-persistence", changed(guest.cart))
    assert last.look()["item_count"] == 4


def test_a_cart_takes_over_so_many_others_and_leaves_the_next_as_it_is(
    monkeypatch: pytest.MonkeyPatch, cart: Doors, mine: Shopper
) -> None:
    monkeypatch.setattr("chalicelib.cart.model.MOST_MERGED", 2)
    first, second, third = (Shopper(cart) for _ in range(3))
    assert [merge(mine, one).status for one in (first, second)] == [200, 200]
    assert merge(mine, third).body["type"] == "urn:souk:problem:too-many-merges"
    assert third.look()["state"] == "open"
    assert merge(mine, first).status == 200
