"""What every keeper of live carts promises."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from msgspec.structs import replace

from chalicelib.cart import live
from chalicelib.cart.carts import Carts
from chalicelib.cart.lines import Change
from chalicelib.cart.model import Asked, Cart
from souk.clock import utcnow
from souk.errors import Missing, Refused
from souk.ids import new_id

from .keepers import LIMITS, MemoryCarts, frozen, line, new_cart

pytestmark = pytest.mark.stores


def in_memory() -> Carts:
    return MemoryCarts()


def in_redis() -> Carts:
    return live.carts


@pytest.fixture(params=[in_memory, in_redis], ids=lambda keeper: keeper.__name__)
def carts(request: pytest.FixtureRequest, stores: dict[str, str]) -> Carts:
    keeper: Carts = request.param()
    return keeper


def test_a_kept_cart_is_found_as_it_was_given(carts: Carts) -> None:
    cart = new_cart(line("ключ ☕"), line("b", 2))
    kept = carts.create(cart).cart
    assert replace(kept, version=cart.version) == cart
    assert carts.get(cart.id) == kept


def test_a_cart_never_kept_is_missing(carts: Carts) -> None:
    with pytest.raises(Missing):
        carts.get(new_id())
    with pytest.raises(Missing):
        carts.change(new_id(), lambda cart: cart)


def test_creating_again_finds_what_is_there(carts: Carts) -> None:
    first = carts.create(new_cart(line())).cart
    again = carts.create(replace(first, lines=()))
    assert (again.cart, again.changed) == (first, False)


def test_every_change_has_a_higher_version(carts: Carts) -> None:
    kept = carts.create(new_cart()).cart
    for _ in range(5):
        changed = carts.change(kept.id, lambda cart: cart.stamped(utcnow()))
        assert changed.changed
        assert changed.cart.version > kept.version
        kept = changed.cart
    assert carts.get(kept.id) == kept


def test_what_is_returned_unchanged_stays_as_it_is(carts: Carts) -> None:
    kept = carts.create(new_cart(line())).cart
    assert carts.change(kept.id, lambda cart: cart) == carts.create(kept)
    assert carts.get(kept.id) == kept


def test_a_refused_change_changes_nothing(carts: Carts) -> None:
    kept = carts.create(new_cart()).cart

    def refuse(_: Cart) -> Cart:
        raise Refused("no")

    with pytest.raises(Refused):
        carts.change(kept.id, refuse)
    assert carts.get(kept.id) == kept


def test_a_cart_without_lines_stays_one(carts: Carts) -> None:
    kept = carts.create(new_cart(line("a"))).cart
    emptied = carts.change(kept.id, lambda cart: replace(cart, lines=()).stamped(utcnow())).cart
    assert carts.get(kept.id).lines == emptied.lines == ()


def test_frozen_carts_are_known_until_they_thaw(carts: MemoryCarts) -> None:
    kept = carts.create(new_cart(line())).cart
    held = carts.change(kept.id, frozen).cart
    soon = utcnow() + timedelta(seconds=1)
    assert kept.id in carts.frozen_before(soon)
    assert kept.id not in carts.frozen_before(utcnow() - timedelta(minutes=1))
    carts.change(kept.id, lambda cart: replace(cart, frozen_at=None).stamped(utcnow()))
    assert held.frozen_at is not None
    assert kept.id not in carts.frozen_before(soon)


def test_no_change_is_lost_among_many_at_once(stores: dict[str, str]) -> None:
    carts = in_redis()
    kept = carts.create(new_cart(line("a", 1))).cart

    def one_more(number: int) -> None:
        if number % 2:
            carts.change(kept.id, lambda cart: replace(cart, lines=(line("a", cart.lines[0].quantity + 1),)))
        else:
            more = Change(sku="a", by=1)
            carts.revise(kept.id, more, asked=Asked(holder=kept.holder), limits=LIMITS, now=utcnow())

    with ThreadPoolExecutor(8) as shoppers:
        list(shoppers.map(one_more, range(80)))
    assert carts.get(kept.id).lines[0].quantity == 81
