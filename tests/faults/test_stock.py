"""Many buyers of many SKUs at several locations, with holds, expiry, counts and adjustments in between: the books stay right."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from random import Random

import pytest
from contract.order import goods
from contract.order.conftest import Keeper
from msgspec.structs import replace
from psycopg2.errors import DeadlockDetected

from chalicelib.order import checks, expiry, holds, live, locations, management, stock
from chalicelib.order.holds import Bounds
from chalicelib.order.locations import NewSite
from chalicelib.order.model.hold import Held
from chalicelib.order.model.order import Order, Status
from chalicelib.order.model.product import Product
from chalicelib.order.model.stock import LOCATION, Movement, Spot, Why
from chalicelib.order.model.submission import Rejection
from chalicelib.order.stock import Adjustment
from chalicelib.order.store import sql
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.clock import utcnow
from souk.errors import Missing, Refused, Stale, TooMany, Unavailable
from souk.ids import id_of, new_id
from souk.money import Money

pytestmark = [pytest.mark.stores, pytest.mark.fault]
AT_ONCE = 24
STAFF = Origin(Caller(kind=Kind.STAFF, subject="staff", permissions=frozenset({"orders:write", "stock:write"})))
SHOP = Keeper(live.books, live.replica)
AGE = """
    UPDATE {table} SET held_until = now() - interval '1 second'
     WHERE sku = ANY(%(skus)s) AND state = 'held' AND md5(sku || {id}::text || %(seed)s) < '4'
"""
AGES = [AGE.format(table="reservations", id="order_id"), AGE.format(table="holds", id="quote_id")]


@pytest.fixture
def crowd(stores: dict[str, str]) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


@pytest.fixture
def lofts(stores: dict[str, str]) -> list[str]:
    """Two more locations."""
    codes = [f"l-{new_id()[-12:]}" for _ in range(2)]
    with live.books() as books:
        for rank, code in enumerate(codes, 1):
            locations.add(NewSite(code=code, name=code, rank=rank), by=STAFF, now=utcnow(), sites=books)
    return codes


def shelve(units: dict[str, int]) -> Product:
    """Put so many of a fresh product on the shelf at each location."""
    known = goods.shelve(SHOP, 0)
    sku = known.skus[0].sku
    with live.books() as books:
        books.open_rows([Spot(sku, where) for where in units])
        books.move([Movement(sku=sku, location=where, on_hand=n, why=Why.RECEIVED) for where, n in units.items()])
    return known


def patiently(act: Callable[[], object]) -> object:
    """Do it, again when the database asks for it, as queues and clients do; but nobody may lock anybody out."""
    while True:
        try:
            return act()
        except (Refused, Stale, TooMany) as refused:
            return refused
        except Unavailable as busy:
            if isinstance(busy.__cause__, DeadlockDetected):
                raise


def all_at_once(crowd: ThreadPoolExecutor, acts: list[Callable[[], object]]) -> Counter[str]:
    return Counter(type(result).__name__ for result in crowd.map(patiently, acts))


def assert_right(*products: Product) -> None:
    skus = {one.skus[0].sku for one in products}
    wrong = [one for one in checks.STOCK.run().violations if any(sku in one.about + one.detail for sku in skus)]
    assert wrong == []


def test_ten_skus_at_three_locations_in_any_order_are_sold_exactly(crowd: ThreadPoolExecutor, lofts: list[str]) -> None:
    shelf = [shelve({LOCATION: 5, lofts[0]: 3, lofts[1]: 2}) for _ in range(10)]
    wanted = [goods.submission(SHOP, *(shelf if n % 2 else shelf[::-1])) for n in range(60)]
    done = all_at_once(crowd, [partial(goods.place, SHOP, one) for one in wanted])
    assert done == {"Order": 10, "Rejection": 50}
    assert_right(*shelf)


def test_who_cancels_an_order_that_just_appears_gives_its_goods_back_once(
    crowd: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sql, "LOCK_ORDER", f"{sql.LOCK_ORDER}; SELECT pg_sleep(0.05)")
    tea = shelve({LOCATION: 3})
    goods.order(SHOP, tea)  # or its unit, given back too, would be missed
    one = goods.submission(SHOP, tea)

    def cancel() -> object:
        while True:
            with suppress(Missing), live.books() as books:
                return management.cancel(one.order_id, by=STAFF, now=utcnow(), books=books)

    assert all_at_once(crowd, [cancel, cancel, partial(goods.place, SHOP, one)]) == {"Order": 2, "Refused": 1}
    assert_right(tea)


def test_a_unit_left_behind_is_sold_again_and_again_though_nobody_sweeps(stores: dict[str, str]) -> None:
    tea = shelve({LOCATION: 1})
    placed = [goods.order(SHOP, tea)]
    for _ in range(9):
        goods.overdue(SHOP, placed[-1])
        placed.append(goods.order(SHOP, tea))
    with live.reading() as books:
        found = [books.find(one.id) for one in placed]
    assert [one.status for one in found if isinstance(one, Order)] == [Status.CANCELLED] * 9 + [Status.PLACED]
    assert_right(tea)


def test_whoever_held_gets_it_and_nobody_else(crowd: ThreadPoolExecutor, lofts: list[str]) -> None:
    tea, rice = shelve({LOCATION: 4, lofts[0]: 4}), shelve({lofts[1]: 8})
    wanted = [goods.submission(SHOP, *((tea, rice) if n % 2 else (rice, tea))) for n in range(40)]
    held = list(crowd.map(patiently, [partial(hold, one.quote_id) for one in wanted]))
    assert Counter(type(one).__name__ for one in held) == {"list": 8, "Short": 32}
    done = list(crowd.map(patiently, [partial(goods.place, SHOP, one) for one in wanted]))
    assert [isinstance(one, Order) for one in done] == [isinstance(one, list) for one in held]
    assert_right(tea, rice)


def hold(quote_id: str) -> list[Held]:
    """Hold stock for a quote, each from an address of its own."""
    with live.books() as books:
        return holds.hold(quote_id, holder=id_of("network", quote_id), bounds=Bounds(), books=books)


@pytest.mark.parametrize("seed", range(3))
def test_whatever_happens_at_once_the_books_are_right(crowd: ThreadPoolExecutor, lofts: list[str], seed: int) -> None:
    dice, places = Random(seed), [LOCATION, *lofts]  # noqa: S311 - a test that can be repeated
    shelf = [shelve({place: dice.randint(0, 6) for place in places}) for _ in range(5)]
    skus = [one.skus[0].sku for one in shelf]
    orders: list[str] = []

    def buy() -> object:
        one = goods.submission(SHOP, *dice.sample(shelf, dice.randint(1, 5)), quantity=dice.randint(1, 2))
        orders.append(one.order_id)
        if dice.random() < 0.4:
            patiently(partial(hold, one.quote_id))
        return None if dice.random() < 0.2 else goods.place(SHOP, one)

    def cancel() -> object:
        with live.books() as books:
            return management.cancel(dice.choice(orders), by=STAFF, now=utcnow(), books=books)

    def adjust() -> object:
        wish = Adjustment(change=dice.choice((-2, -1, 1, 2, 3)), reason="corrected", location=dice.choice(places))
        with live.books() as books:
            return stock.adjust(dice.choice(skus), wish, by=STAFF, now=utcnow(), stock=books)

    def age() -> None:
        with live.reading() as books:
            for sql in AGES:
                books.tx.run(sql, skus=skus, seed=str(dice.random()))

    patiently(buy)
    acts = [buy] * 60 + [cancel] * 15 + [adjust] * 30 + [age] * 10 + [partial(expiry.sweep, books=live.books)] * 5
    dice.shuffle(acts)
    list(crowd.map(forgiving, acts))
    assert_right(*shelf)
    age()
    expiry.sweep(books=live.books)
    assert_right(*shelf)


@pytest.mark.parametrize("seed", range(3))
def test_a_quote_of_other_goods_than_the_carts_locks_nobody_out(
    crowd: ThreadPoolExecutor, lofts: list[str], seed: int
) -> None:
    dice = Random(seed)  # noqa: S311 - a test that can be repeated
    shelf = [shelve(dict.fromkeys((LOCATION, *lofts), 6)) for _ in range(5)]
    quoted: list[str] = []

    def buy() -> None:
        held = goods.quote(SHOP, *dice.sample(shelf, dice.randint(1, 4)))
        quoted.append(held.id)
        patiently(partial(hold, held.id))
        wanted = goods.submission(SHOP, *dice.sample(shelf, dice.randint(1, 5)), quote_id=dice.choice(quoted))
        done = goods.place(SHOP, replace(wanted, accepted_total=Money(1, "USD")) if dice.random() < 0.7 else wanted)
        if isinstance(done, Rejection) and done.quote_id:
            quoted.append(done.quote_id)

    def give_back() -> None:
        with live.books() as books:
            holds.give_back(dice.choice(quoted), books=books)

    buy()
    list(crowd.map(patiently, dice.sample([buy] * 100 + [give_back] * 80, 180)))
    assert_right(*shelf)


def test_what_the_cart_does_not_want_stays_held_for_the_quote_it_was_held_for(stores: dict[str, str]) -> None:
    tea, rice = shelve({LOCATION: 1}), shelve({LOCATION: 1})
    quoted = goods.quote(SHOP, tea, rice)
    hold(quoted.id)
    cart = goods.submission(SHOP, tea, quote_id=quoted.id, accepted_total=Money(1, "USD"))
    offered = goods.place(SHOP, cart)
    assert [[one.sku for one in hold(quote)] for quote in (offered.quote_id, quoted.id)] == [
        [tea.skus[0].sku],
        [rice.skus[0].sku],
    ]


def forgiving(act: Callable[[], object]) -> object:
    """Do it; a cart that was never submitted has nothing to cancel."""
    try:
        return patiently(act)
    except Missing:
        return None
