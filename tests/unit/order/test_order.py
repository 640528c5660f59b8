"""The moves of an order, and who may see it."""

import itertools

import pytest
from contract.order import goods
from contract.order.conftest import in_memory
from msgspec.structs import replace

from chalicelib.order.model.order import MOVES, Cause, Order, Payment, Shipment, Status, may_see
from souk.auth import ANYONE, Caller, Kind, guest
from souk.clock import utcnow
from souk.errors import Invalid, Missing, Refused
from souk.ids import new_id
from souk.money import Money

ILLEGAL = [(one, other) for one, other in itertools.product(Status, Status) if other not in MOVES[one]]


@pytest.fixture
def order() -> Order:
    keeper = in_memory()
    return goods.order(keeper, goods.shelve(keeper, 9), goods.shelve(keeper, 9), quantity=2, customer_id="ada")


def payment(amount: Money) -> Payment:
    return Payment(id=new_id(), method="cash", reference="", amount=amount, paid_at=utcnow())


def shipment(order: Order) -> Shipment:
    return Shipment(id=new_id(), carrier="DHL", tracking="", parcels=order.outstanding(), shipped_at=utcnow())


@pytest.mark.parametrize(("one", "other"), ILLEGAL)
def test_a_move_that_the_table_does_not_have_is_refused(order: Order, one: Status, other: Status) -> None:
    with pytest.raises(Refused):
        replace(order, status=one).move(other, utcnow(), "staff")


def test_every_status_can_be_reached() -> None:
    assert set().union(*MOVES.values()) | {Status.PLACED} == set(Status)


def test_each_change_is_a_new_version_and_a_line_in_the_story(order: Order) -> None:
    paid = order.pay(payment(order.totals.total), by="staff")
    sent = paid.ship(shipment(paid), by="staff")
    assert [one.version for one in (order, paid, sent)] == [1, 2, 3]
    assert [entry.what for entry in sent.timeline] == ["placed", "paid", "fulfilled"]


def test_money_revives_what_expired_and_nothing_else_that_was_cancelled(order: Order) -> None:
    cancelled = order.cancel(Cause.EXPIRED, utcnow())
    assert cancelled.pay(payment(order.totals.total), by="staff").status is Status.PAID
    with pytest.raises(Refused):
        order.cancel(Cause.CUSTOMER, utcnow()).pay(payment(order.totals.total), by="staff")


def test_another_amount_than_is_due_is_invalid(order: Order) -> None:
    with pytest.raises(Invalid):
        order.pay(payment(Money(1, "USD")), by="staff")


def test_a_shipment_arrives_once_and_must_exist(order: Order) -> None:
    paid = order.pay(payment(order.totals.total), by="staff")
    sent = paid.ship(shipment(paid), by="staff")
    with pytest.raises(Missing):
        sent.deliver(new_id(), utcnow(), by="staff")
    there = sent.deliver(sent.shipments[0].id, utcnow(), by="staff")
    with pytest.raises(Refused):
        there.deliver(sent.shipments[0].id, utcnow(), by="staff")


@pytest.mark.parametrize(
    ("by", "sees"),
    [
        (Caller(kind=Kind.CUSTOMER, subject="ada"), True),
        (Caller(kind=Kind.CUSTOMER, subject="bob"), False),
        (Caller(kind=Kind.ORDER_HOLDER, subject="order"), True),
        (Caller(kind=Kind.ORDER_HOLDER, subject="another"), False),
        (Caller(kind=Kind.STAFF, subject="x", permissions=frozenset({"orders:read"})), True),
        (Caller(kind=Kind.STAFF, subject="x", permissions=frozenset({"stock:read"})), False),
        (guest("order"), False),
        (ANYONE, False),
    ],
)
def test_staff_its_customer_and_its_tokens_holder_see_an_order(by: Caller, sees: bool) -> None:  # noqa: FBT001
    assert may_see(by, order_id="order", customer_id="ada") is sees


def test_an_order_of_nobody_is_not_everybodys() -> None:
    assert not may_see(Caller(kind=Kind.CUSTOMER, subject=""), order_id="order", customer_id=None)
