"""Fulfilment: staff say that an order was paid, shipped, delivered; what its status forbids is refused."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Annotated, Protocol

import msgspec

from chalicelib.order import events
from chalicelib.order.model.order import Order, Parcel, Payment, Shipment, Status
from chalicelib.order.model.reservation import Lapsed
from chalicelib.order.model.stock import Level, Movement, Spot
from souk.audit import Origin, audited
from souk.auth import Kind
from souk.events import Event
from souk.ids import new_id
from souk.money import Money

Method = Annotated[str, msgspec.Meta(min_length=1, max_length=32, examples=["transfer", "card", "cash"])]
Note = Annotated[str, msgspec.Meta(max_length=200)]


class PaymentWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Money that came in; without an amount it is what is due. A reference pays for one order only."""

    method: Method
    reference: Note = ""
    amount: Money | None = None


class ShipmentWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes out together; without parcels it is all that has not been shipped yet."""

    carrier: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    tracking: Note = ""
    parcels: Annotated[tuple[Parcel, ...], msgspec.Meta(min_length=1, max_length=200)] | None = None


class Standing(msgspec.Struct, frozen=True):
    """What the audit trail shows of an order."""

    status: Status


class FulfilmentBooks(Protocol):
    """Orders and stock in one transaction."""

    def get(self, order_id: str) -> Order:
        """Return an order for change: its rows of stock are locked first, in SKU order, then itself. Raises Missing."""

    def save(self, order: Order, *events: Event) -> None:
        """Keep a changed order and its events. Raises Refused for a payment whose reference paid for another one."""

    def expire(self, spots: Collection[Spot]) -> Lapsed:
        """Release the locked rows' reservations whose time is up, and cancel their orders."""

    def move(self, movements: Sequence[Movement]) -> list[Level]:
        """Move locked stock. Raises Short."""

    def use(self, codes: Collection[str]) -> None:
        """Use vouchers once more. Raises UsedUp."""


def pay(order_id: str, wish: PaymentWish, *, by: Origin, now: datetime, books: FulfilmentBooks) -> Order:
    """Note that the money is there: what was held is committed, what had expired is taken again, vouchers are used again.

    Raises Missing, Invalid for another amount than is due, Refused, and Short or UsedUp when the goods were sold, or the
    vouchers used, to others in the meantime: then the money has to go back.
    """
    order = books.get(order_id)
    payment = Payment(
        id=new_id(),
        method=wish.method,
        reference=wish.reference,
        amount=wish.amount or order.totals.total,
        paid_at=now,
    )
    paid = order.pay(payment, by="staff")
    again = order.taken_again()
    lapsed = books.expire([movement.spot for movement in again]) if again else Lapsed()
    moved = books.move(again)
    books.use(order.used_again())
    told = [events.order_lapsed(one, now) for one in lapsed.orders]
    told += events.stock_moved(again, moved, now, freed=lapsed.levels)
    books.save(paid, events.order_stepped(paid), *told, *trail_of(by, "order.pay", order, paid))
    return paid


def ship(order_id: str, wish: ShipmentWish, *, by: Origin, now: datetime, books: FulfilmentBooks) -> Order:
    """Note a shipment: its parcels leave stock. Raises Missing, Refused, Invalid for what is not due."""
    order = books.get(order_id)
    parcels = order.outstanding() if wish.parcels is None else wish.parcels
    shipment = Shipment(id=new_id(), carrier=wish.carrier, tracking=wish.tracking, parcels=parcels, shipped_at=now)
    sent = order.ship(shipment, by="staff")
    moved = books.move(order.sent_off(shipment))
    step = [events.order_stepped(sent)] if sent.status is Status.FULFILLED else []
    told = events.stock_changed(moved, now)
    books.save(sent, *step, *told, *trail_of(by, "order.ship", order, sent))
    return sent


def deliver(order_id: str, shipment_id: str, *, by: Origin, now: datetime, books: FulfilmentBooks) -> Order:
    """Note that a shipment arrived. Raises Missing, Refused."""
    order = books.get(order_id)
    there = order.deliver(shipment_id, now, by="staff")
    step = [events.order_stepped(there)] if there.status is Status.DELIVERED else []
    books.save(there, *step, *trail_of(by, "order.deliver", order, there))
    return there


def trail_of(by: Origin, action: str, before: Order, after: Order) -> list[Event]:
    """Return the audit entry of a change by staff; a customer's own change is in the order's story."""
    if by.caller.kind is not Kind.STAFF:
        return []
    old, new = Standing(before.status), Standing(after.status)
    return [audited(by, action, after.id, service="order", now=after.changed_at, before=old, after=new)]
