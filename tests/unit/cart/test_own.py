"""A customer's carts of a name: none of them is forgotten while it is opened."""

from datetime import UTC, datetime, timedelta

import pytest
from contract.cart.keepers import MemoryCarts, MemoryRegister
from msgspec.structs import replace

from chalicelib.cart import own
from chalicelib.cart.carts import Kept
from chalicelib.cart.model import Asked, Cart, Holder
from chalicelib.cart.own import Place
from souk.errors import Missing

NOW = datetime(2026, 5, 1, tzinfo=UTC)
MINE = Holder(customer_id="ada")


class NoBackup:
    """Keeps nothing."""

    def find(self, cart_id: str) -> Cart:
        raise Missing(cart_id)


class Watched(MemoryCarts):
    """Carts that are listed at the very moment at which one is made."""

    def __init__(self, register: MemoryRegister) -> None:
        super().__init__()
        self._register = register

    def create(self, cart: Cart) -> Kept:
        listed(self._register, self)
        return super().create(cart)


def listed(register: MemoryRegister, carts: MemoryCarts) -> list[str]:
    return [one.id for one in own.show("ada", register=register, carts=carts, backup=NoBackup(), now=NOW)]


def place(cart_id: str, opened_at: datetime = NOW) -> Place:
    return Place(cart_id=cart_id, customer_id="ada", market="default", name="main", opened_at=opened_at)


@pytest.mark.parametrize("made", ["new", "old"])
def test_a_place_that_long_had_no_cart_is_taken_and_not_forgotten(made: str) -> None:
    register = MemoryRegister()
    carts = Watched(register)
    register.enter(place("old", NOW - timedelta(days=90)), 9)
    wanted = place(made)
    begun = own.open_cart(wanted, asked=Asked(holder=MINE), most=9, register=register, carts=carts, now=NOW)
    assert (begun.answer.id, begun.found) == (made, False)
    assert listed(register, carts) == [made]
    assert register.find("ada", "default", "main") == wanted


def test_what_is_saved_for_later_waits_behind_a_place_without_a_cart() -> None:
    register = MemoryRegister()
    register.enter(replace(place("old", NOW - timedelta(days=90)), previous="before"), 9)
    own.open_cart(place("new"), asked=Asked(holder=MINE), most=9, register=register, carts=MemoryCarts(), now=NOW)
    assert register.find("ada", "default", "main") == replace(place("new"), previous="before")
