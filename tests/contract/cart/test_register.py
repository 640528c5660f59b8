"""What every keeper of customers' carts promises."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from chalicelib.cart import live
from chalicelib.cart.own import Place, Register
from souk.clock import utcnow
from souk.errors import Invalid
from souk.ids import new_id

from .keepers import MemoryRegister

pytestmark = pytest.mark.stores


def in_memory() -> Register:
    return MemoryRegister()


def in_postgres() -> Register:
    return live.register


@pytest.fixture(params=[in_memory, in_postgres], ids=lambda keeper: keeper.__name__)
def register(request: pytest.FixtureRequest, stores: dict[str, str]) -> Register:
    keeper: Register = request.param()
    return keeper


def place(customer: str, name: str | None = None) -> Place:
    return Place(cart_id=new_id(), customer_id=customer, market="default", name=name, opened_at=utcnow())


def test_the_first_cart_of_a_name_stands(register: Register) -> None:
    me = new_id()
    first = register.enter(place(me, "main"), 9)
    assert first is not None
    assert register.enter(place(me, "main"), 9) == first == register.find(me, "default", "main")
    assert register.find(new_id(), "default", "main") is None


def test_carts_without_a_name_stand_side_by_side(register: Register) -> None:
    me = new_id()
    one, other = place(me), place(me)
    assert [register.enter(each, 9) for each in (one, other, one)] == [one, other, one]
    assert register.of(me) == [one, other]


def test_no_cart_is_entered_past_the_limit(register: Register) -> None:
    me = new_id()
    first = register.enter(place(me, "main"), 1)
    assert first is not None
    assert register.enter(place(me), 1) is None
    assert register.enter(place(me, "main"), 1) == first
    register.leave([first])
    assert register.enter(place(me), 1) is not None


def test_one_cart_alone_follows_another_under_its_name(register: Register) -> None:
    me = new_id()
    first = register.enter(place(me, "main"), 9)
    assert first is not None
    second, late = (replace(place(me, "main"), previous=first.cart_id) for _ in range(2))
    for one in (second, late):
        register.follow(first.cart_id, one)
    assert register.find(me, "default", "main") == second
    assert register.of(me) == [second]


def test_only_a_place_as_it_was_seen_is_left(register: Register) -> None:
    me = new_id()
    seen = place(me, "main")
    register.enter(seen, 9)
    anew = replace(seen, opened_at=utcnow())
    register.follow(seen.cart_id, anew)
    register.leave([seen])
    assert register.of(me) == [anew]
    register.leave([anew])
    assert register.of(me) == []


def test_a_cart_with_a_place_of_its_own_follows_no_other(register: Register) -> None:
    me = new_id()
    tea, coffee = place(me, "tea"), place(me, "coffee")
    for one in (tea, coffee):
        register.enter(one, 9)
    with pytest.raises(Invalid):
        register.follow(tea.cart_id, coffee)
    assert register.of(me) == [tea, coffee]


def test_many_at_once_are_counted_one_after_another(stores: dict[str, str]) -> None:
    me = new_id()
    with ThreadPoolExecutor(8) as devices:
        entered = list(devices.map(lambda _: in_postgres().enter(place(me), 3), range(12)))
    assert sum(one is not None for one in entered) == 3
