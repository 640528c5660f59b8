"""Carts that are merged into one another at the same time: nothing goes round for ever, and no line is lost."""

from collections.abc import Callable
from itertools import permutations

import pytest
from contract.cart.keepers import LIMITS, MemoryCarts, line, new_cart
from msgspec.structs import replace

from chalicelib.cart.carts import Kept, absorb
from chalicelib.cart.model import Cart, State
from souk.clock import utcnow


class WatchedCarts(MemoryCarts):
    """Carts that notice when somebody goes round in circles."""

    looks = 0

    def change(self, cart_id: str, decide: Callable[[Cart], Cart]) -> Kept:
        self.looks += 1
        assert self.looks < 100, "going round in circles"
        return super().change(cart_id, decide)


def given_up(carts: MemoryCarts, *ways: tuple[int, int]) -> list[Cart]:
    """Return carts of a line each, merged into one another as `ways` say, before any took the lines of another."""
    made = [carts.create(new_cart(line(f"sku-{number}"))).cart for number in range(len(ways))]
    now = utcnow()

    def merged(source: str, target: str) -> Cart:
        return carts.change(source, lambda cart: cart.merging_into(target).stamped(now)).cart

    return [merged(made[one].id, made[other].id) for one, other in ways]


@pytest.mark.parametrize(
    "ways", [((0, 1), (1, 0)), ((0, 1), (1, 2), (2, 0)), ((0, 1), (1, 2), (2, 1))], ids=["pair", "three", "tail"]
)
def test_a_ring_ends_in_one_open_cart_that_has_every_line(ways: tuple[tuple[int, int], ...]) -> None:
    for order in permutations(range(len(ways))):
        carts = WatchedCarts()
        sources = given_up(carts, *ways)
        for number in (*order, *order):  # each event comes twice
            absorb(sources[number], limits=LIMITS, carts=carts, now=utcnow())
        now_there = [carts.get(one.id) for one in sources]
        [standing] = [one for one in now_there if one.state is State.OPEN]
        assert {(one.sku, one.quantity) for one in standing.lines} == {(f"sku-{n}", 1) for n in range(len(ways))}


def test_a_cart_that_went_on_since_is_left_alone() -> None:
    carts = WatchedCarts()
    first, second = given_up(carts, (0, 1), (1, 0))
    absorb(first, limits=LIMITS, carts=carts, now=utcnow())
    absorb(second, limits=LIMITS, carts=carts, now=utcnow())
    standing = min(first.id, second.id)
    last = carts.create(new_cart()).cart
    carts.change(standing, lambda cart: cart.merging_into(last.id).stamped(utcnow()))
    absorb(carts.get(standing), limits=LIMITS, carts=carts, now=utcnow())
    absorb(first, limits=LIMITS, carts=carts, now=utcnow())
    absorb(second, limits=LIMITS, carts=carts, now=utcnow())
    assert carts.get(standing).merged_into == last.id


def test_a_cart_that_was_ordered_without_the_other_gives_it_back() -> None:
    carts = WatchedCarts()
    target, source = carts.create(new_cart(line("sku-0"))).cart, carts.create(new_cart(line("sku-1"))).cart
    source = carts.change(source.id, lambda cart: cart.merging_into(target.id).stamped(utcnow())).cart
    carts.change(target.id, lambda cart: replace(cart, state=State.CLOSED).stamped(utcnow()))
    for _ in range(2):  # the event comes twice
        absorb(source, limits=LIMITS, carts=carts, now=utcnow())
    back = carts.get(source.id)
    assert (back.state, back.merged_into, [one.sku for one in back.lines]) == (State.OPEN, None, ["sku-1"])
