"""What the order service's books promise, in memory as in PostgreSQL."""

import pytest
from contract.order import goods
from contract.order.conftest import Keeper
from contract.order.memory import MemoryBooks
from msgspec.structs import replace

from chalicelib.order import expiry, fulfilment, live, management
from chalicelib.order.fulfilment import PaymentWish, ShipmentWish
from chalicelib.order.model.listing import Filter
from chalicelib.order.model.number import number_of
from chalicelib.order.model.order import Order, Status
from chalicelib.order.model.reservation import Hold
from chalicelib.order.model.stock import Discrepancy, Movement, Short, Spot, Why
from chalicelib.order.model.submission import Rejection
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.clock import utcnow
from souk.errors import Missing, Refused
from souk.ids import new_id

STAFF = Origin(Caller(kind=Kind.STAFF, subject="staff", permissions=frozenset({"orders:write"})))
CASH = PaymentWish(method="cash")


def spot() -> Spot:
    return Spot(f"sku-{new_id()}")


def available(keeper: Keeper, sku: str) -> int:
    with keeper.open() as books:
        return books.level(Spot(sku)).available


def test_rows_are_opened_once_and_locked_in_sku_order(keeper: Keeper) -> None:
    one, other = sorted([spot(), spot()])
    with keeper.open() as books:
        books.open_rows([other, one])
        books.open_rows([one])
        assert [level.spot for level in books.lock([other, one, spot()])] == [one, other]
        assert [level.version for level in books.lock([one])] == [0]


def test_movements_of_a_row_add_up_and_raise_its_version_once(keeper: Keeper) -> None:
    where = spot()
    with keeper.open() as books:
        books.open_rows([where])
        arrival = Movement(sku=where.sku, on_hand=3, why=Why.RECEIVED)
        (level,) = books.move([arrival, arrival])
        assert (level.on_hand, level.version) == (6, 1)


@pytest.mark.parametrize(
    ("change"), [{"reserved": 4}, {"on_hand": -4}, {"reserved": -1}, {"backorder": -1}, {"reserved": 1, "on_hand": -3}]
)
def test_nothing_is_promised_that_is_not_there(keeper: Keeper, change: dict[str, int]) -> None:
    where = spot()
    with keeper.open() as books:
        books.open_rows([where])
        books.move([Movement(sku=where.sku, on_hand=3, why=Why.RECEIVED)])
    with pytest.raises(Short) as caught, keeper.open() as books, books.trial():
        books.move([replace(Movement(sku=where.sku, why=Why.CORRECTED), **change)])
    assert caught.value.missing == {where}
    with keeper.open() as books:
        assert (books.level(where).on_hand, books.level(where).version) == (3, 1)


def test_what_has_no_row_is_short_and_missing(keeper: Keeper) -> None:
    with pytest.raises(Short), keeper.open() as books:
        books.move([Movement(sku=spot().sku, on_hand=1, why=Why.RECEIVED)])
    with pytest.raises(Missing), keeper.open() as books:
        books.level(spot())


def test_stock_is_listed_by_the_beginning_of_the_sku_and_by_when_it_changed(keeper: Keeper) -> None:
    begin = f"a%_{new_id()}"
    spots = [Spot(f"{begin}{n}") for n in range(3)]
    with keeper.open() as books:
        books.open_rows(spots)
        found = books.levels(after=spots[0], limit=1, text=begin)
        assert [level.spot for level in found] == [spots[1]]
        assert books.changed(since=utcnow() + goods.LONG_AGO, after=Spot("", ""), limit=9) == []
        recent = books.changed(since=utcnow() - goods.LONG_AGO, after=spots[1], limit=1)
        assert [level.spot for level in recent] == [spots[2]]


def test_the_ledger_tells_newest_first_why_stock_is_what_it_is(keeper: Keeper) -> None:
    tea = goods.shelve(keeper, 5)
    where = Spot(tea.skus[0].sku)
    placed = goods.order(keeper, tea, quantity=2)
    with keeper.open() as books:
        newest, oldest = books.entries(where, before=None, limit=9)
        assert (oldest.why, oldest.on_hand) == (Why.RECEIVED, 5)
        assert (newest.why, newest.reserved, newest.order_id) == (Why.RESERVED, 2, placed.id)
        assert [entry.id for entry in books.entries(where, before=newest.id, limit=9)] == [oldest.id]
        assert [entry.id for entry in books.entries(where, before=None, limit=1)] == [newest.id]


def test_an_order_is_read_as_it_was_placed(keeper: Keeper) -> None:
    placed = goods.order(keeper, goods.shelve(keeper, 5), goods.shelve(keeper, 5), quantity=2)
    with keeper.open() as books:
        assert books.find(placed.id) == books.get(placed.id) == placed
    assert placed.number.startswith("S-")


def test_an_order_whose_number_is_taken_gets_another_one(keeper: Keeper) -> None:
    tea = goods.shelve(keeper, 5)
    first, wanted = goods.order(keeper, tea), goods.submission(keeper, tea)
    goods.renumber(keeper, first, number_of(wanted.order_id))
    assert goods.place(keeper, wanted).number == number_of(wanted.order_id, 1)
    assert available(keeper, tea.skus[0].sku) == 3


@pytest.mark.stores
def test_the_database_numbers_orders_by_the_same_rule(stores: dict[str, str]) -> None:
    ids = [new_id() for _ in range(50)]
    sql = "SELECT order_number(id::uuid, 2) AS number FROM unnest(%(ids)s) WITH ORDINALITY AS given (id, n) ORDER BY n"
    with live.reading() as books:
        assert [row["number"] for row in books.tx.all(sql, ids=ids)] == [number_of(one, 2) for one in ids]


def test_a_submission_is_claimed_once(keeper: Keeper) -> None:
    one = goods.submission(keeper, goods.shelve(keeper, 5))
    assert isinstance(goods.place(keeper, one), Order)
    assert goods.place(keeper, one) is None


def test_a_verdict_that_another_event_asks_for_is_told_again(keeper: Keeper) -> None:
    one = goods.submission(keeper, goods.shelve(keeper, 5))
    asked_again = replace(one, event_id=new_id())
    with keeper.open() as books:
        first, again = books.claim(one), books.claim(one)
        assert (first.fresh, again.fresh, again.at) == (True, False, None)
        assert first.at is not None
        other = books.claim(asked_again)
        assert (other.fresh, other.at) == (True, None)


def test_a_rejection_is_read_with_its_reasons_and_takes_nothing(keeper: Keeper) -> None:
    plenty, few = goods.shelve(keeper, 9), goods.shelve(keeper, 1)
    rejected = goods.place(keeper, goods.submission(keeper, plenty, few, quantity=2))
    assert isinstance(rejected, Rejection)
    assert [reason.sku for reason in rejected.reasons] == [few.skus[0].sku]
    assert available(keeper, plenty.skus[0].sku) == 9
    with keeper.open() as books:
        assert books.find(rejected.order_id) == rejected


def test_an_order_keeps_what_became_of_it(keeper: Keeper) -> None:
    placed = goods.order(keeper, goods.shelve(keeper, 5), quantity=2)
    with keeper.open() as books:
        fulfilment.pay(placed.id, CASH, by=STAFF, now=utcnow(), books=books)
    with keeper.open() as books:
        sent = fulfilment.ship(placed.id, ShipmentWish(carrier="DHL"), by=STAFF, now=utcnow(), books=books)
    with keeper.open() as books:
        shipment = sent.shipments[0].id
        there = fulfilment.deliver(placed.id, shipment, by=STAFF, now=utcnow(), books=books)
    with keeper.open() as books:
        assert books.get(placed.id) == there
    assert there.status is Status.DELIVERED
    assert there.version == 4


def test_a_reference_pays_for_one_order(keeper: Keeper) -> None:
    tea = goods.shelve(keeper, 5)
    one, other = goods.order(keeper, tea), goods.order(keeper, tea)
    wish = PaymentWish(method="card", reference=f"ch-{new_id()}")
    with keeper.open() as books:
        fulfilment.pay(one.id, wish, by=STAFF, now=utcnow(), books=books)
    with pytest.raises(Refused), keeper.open() as books:
        fulfilment.pay(other.id, wish, by=STAFF, now=utcnow(), books=books)


def test_what_is_cancelled_goes_back_to_stock(keeper: Keeper) -> None:
    tea = goods.shelve(keeper, 5)
    placed = goods.order(keeper, tea, quantity=5)
    assert available(keeper, tea.skus[0].sku) == 0
    with keeper.open() as books:
        management.cancel(placed.id, by=STAFF, now=utcnow(), books=books)
    assert available(keeper, tea.skus[0].sku) == 5


def test_a_reservation_whose_time_is_up_makes_room_for_the_next_buyer(keeper: Keeper) -> None:
    tea, rice = goods.shelve(keeper, 1), goods.shelve(keeper, 1)
    first = goods.order(keeper, tea, rice)
    goods.overdue(keeper, first)
    goods.order(keeper, tea)
    with keeper.open() as books:
        lapsed = books.get(first.id)
    assert (lapsed.status, lapsed.version) == (Status.CANCELLED, 2)
    assert {one.sku: one.state for one in lapsed.reservations} == {
        tea.skus[0].sku: Hold.EXPIRED,
        rice.skus[0].sku: Hold.HELD,  # its row was not locked; the sweep, or rice's next buyer, releases it
    }
    expiry.sweep(books=keeper.open)
    assert available(keeper, rice.skus[0].sku) == 1
    with keeper.open() as books:
        assert {one.state for one in books.get(first.id).reservations} == {Hold.EXPIRED}
        assert books.get(first.id).version == 2


def test_a_row_that_contradicts_its_reservations_holds_no_other_up(keeper: Keeper) -> None:
    tea, rice = goods.shelve(keeper, 1), goods.shelve(keeper, 1)
    wrong = Spot(tea.skus[0].sku)
    given_back_twice = Movement(sku=wrong.sku, reserved=-1, why=Why.RELEASED)
    for late in (goods.order(keeper, tea), goods.order(keeper, rice)):
        goods.overdue(keeper, late)
    with keeper.open() as books:
        books.move([given_back_twice])
    with pytest.raises(Discrepancy, match=f"default/{wrong.sku}") as told:
        expiry.sweep(books=keeper.open)
    assert told.value.spots == {wrong}
    assert available(keeper, rice.skus[0].sku) == 1
    with keeper.open() as books:
        books.move([replace(given_back_twice, reserved=1, why=Why.RESERVED)])
    expiry.sweep(books=keeper.open)
    assert available(keeper, wrong.sku) == 1


def test_an_order_that_contradicts_itself_holds_no_other_up(stores: dict[str, str]) -> None:
    keeper = Keeper(live.books, live.replica)
    tea, rice = goods.shelve(keeper, 1), goods.shelve(keeper, 1)
    wrong, right = goods.order(keeper, tea), goods.order(keeper, rice)
    for late in (wrong, right):
        goods.overdue(keeper, late)
    renumbered = "UPDATE timeline SET position = position + %(by)s WHERE order_id = %(id)s"
    with live.database.reading() as session:
        session.run(renumbered, id=wrong.id, by=1)
    with pytest.raises(Discrepancy, match=tea.skus[0].sku):
        expiry.sweep(books=live.books)
    assert available(keeper, rice.skus[0].sku) == 1
    with live.database.reading() as session:
        session.run(renumbered, id=wrong.id, by=-1)
    expiry.sweep(books=live.books)
    assert available(keeper, tea.skus[0].sku) == 1


def test_what_is_too_much_for_one_go_is_released_one_by_one(keeper: Keeper) -> None:
    shelved = [goods.shelve(keeper, 1) for _ in range(3)]
    for one in shelved:
        goods.overdue(keeper, goods.order(keeper, one))
    with keeper.open() as books:
        if isinstance(books, MemoryBooks):
            books.most = 1
    assert expiry.sweep(books=keeper.open) == len(shelved)


def test_orders_are_listed_newest_first_as_filtered(keeper: Keeper) -> None:
    tea, who = goods.shelve(keeper, 5), new_id()
    first, second, third = (goods.order(keeper, tea, customer_id=who) for _ in range(3))
    with keeper.open() as books:
        management.cancel(second.id, by=STAFF, now=utcnow(), books=books)
        own = Filter(customer_id=who)

        def listed(wanted: Filter, before: Order | None = None) -> list[str]:
            place = None if before is None else (before.placed_at, before.id)
            return [one.id for one in books.recent(wanted, before=place, limit=2)]

        assert listed(own) == [third.id, second.id]
        assert listed(own, second) == [first.id]
        assert listed(replace(own, status=Status.CANCELLED)) == [second.id]
        assert listed(replace(own, since=second.placed_at, until=third.placed_at)) == [second.id]
        assert listed(Filter(text=first.number)) == [first.id]
        assert listed(Filter(text="%")) == []
