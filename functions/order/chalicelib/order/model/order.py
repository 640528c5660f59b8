"""Orders: what was sold to whom, where it stands, and the moves it may still make."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec.structs import replace

from chalicelib.order.model.address import Address
from chalicelib.order.model.allocation import Share
from chalicelib.order.model.pricing import Bill, Line, Quantity, Totals
from chalicelib.order.model.quote import Contact, Recipient
from chalicelib.order.model.reservation import HOLD, KEEPING, Hold, Reservation
from chalicelib.order.model.stock import Movement, Sku, Spot, Why
from chalicelib.order.model.voucher import Use, VoucherUse
from souk.auth import Caller, Kind
from souk.errors import Fault, Invalid, Missing, Refused
from souk.money import Money


class Status(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    PAID = "paid"
    FULFILLED = "fulfilled"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


MOVES: Mapping[Status, frozenset[Status]] = {
    Status.PLACED: frozenset({Status.PAID, Status.CANCELLED}),
    Status.PAID: frozenset({Status.FULFILLED, Status.CANCELLED}),
    Status.FULFILLED: frozenset({Status.DELIVERED}),
    Status.DELIVERED: frozenset(),
    Status.CANCELLED: frozenset(),
}


class Cause(StrEnum):
    """Who or what cancelled an order."""

    CUSTOMER = "customer"
    STAFF = "staff"
    EXPIRED = "expired"  # not paid in time


class Parcel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many of a SKU in a shipment."""

    sku: Sku
    quantity: Quantity


class Shipment(msgspec.Struct, frozen=True, kw_only=True):
    """Parcels that went out together."""

    id: str
    carrier: str
    tracking: str
    parcels: tuple[Parcel, ...]
    shipped_at: datetime
    delivered_at: datetime | None = None


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    """Money that came in; `reference` is the payer's or provider's own name for it."""

    id: str
    method: str
    reference: str
    amount: Money
    paid_at: datetime


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of an order's story."""

    at: datetime
    what: Annotated[str, msgspec.Meta(description="a status, `shipped` for a part of it, or `shipment delivered`")]
    by: Annotated[str, msgspec.Meta(description="customer, staff or shop")]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order. What changes it returns a copy."""

    id: str
    number: str
    status: Status = Status.PLACED
    cause: Cause | None = None
    cart_id: str
    attempt: int
    market: str
    customer_id: str | None
    quote_id: str | None
    shipping_method: str
    snapshot_hash: str
    lines: tuple[Line, ...]
    totals: Totals
    vouchers: tuple[VoucherUse, ...] = ()
    contact: Contact | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    reservations: tuple[Reservation, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    payments: tuple[Payment, ...] = ()
    timeline: tuple[Entry, ...] = ()
    placed_at: datetime
    changed_at: datetime
    version: int = 1

    def open_to(self, by: Caller) -> "Order":
        """Return this order to those who may see it. Raises Missing for others: nobody learns that it exists."""
        if not may_see(by, order_id=self.id, customer_id=self.customer_id):
            raise Missing("there is no such order")
        return self

    def move(self, to: Status, now: datetime, by: str) -> "Order":
        """Return the order in another status. Raises Refused for a move that MOVES does not have.

        One more is allowed: money that comes after all revives an order that was cancelled for want of it.
        """
        revived = to is Status.PAID and self.cause is Cause.EXPIRED
        if to not in MOVES[self.status] and not revived:
            raise Refused(f"an order that is {self.status} cannot become {to}")
        return replace(self, status=to, cause=None).noted(str(to), now, by)

    def noted(self, what: str, now: datetime, by: str) -> "Order":
        """Return the order with a line more in its story, as a new version."""
        story = (*self.timeline, Entry(at=now, what=what, by=by))
        return replace(self, timeline=story, changed_at=now, version=self.version + 1)

    def pay(self, payment: Payment, by: str) -> "Order":
        """Return it paid, its reservations committed. Raises Refused, or Invalid for another amount than is due."""
        paid = self.move(Status.PAID, payment.paid_at, by)
        if payment.amount != self.totals.total:
            raise Invalid("that is not what is due", faults=[Fault("/amount", f"{self.totals.total.amount} is due")])
        states = tuple(replace(one, state=Hold.COMMITTED) for one in self.reservations)
        used = tuple(replace(one, state=Use.USED) for one in self.vouchers)
        return replace(paid, payments=(*self.payments, payment), reservations=states, vouchers=used)

    def taken_again(self) -> tuple[Movement, ...]:
        """Return what has to be taken from stock again so that it can be paid: what expired in the meantime."""
        lost = (one for one in self.reservations if one.state is Hold.EXPIRED)
        return tuple(self._movement(one, reserved=one.quantity, why=Why.RESERVED) for one in lost)

    def used_again(self) -> tuple[str, ...]:
        """Return the vouchers that have to be used again so that it can be paid."""
        return tuple(one.code for one in self.vouchers if one.state is not Use.USED)

    def cancel(self, cause: Cause, now: datetime) -> "Order":
        """Return it cancelled, its reservations and vouchers released. Raises Refused, also when a part is under way."""
        if self.shipments:
            raise Refused("a part of the order has been shipped")
        states = tuple(replace(one, state=Hold.RELEASED) if one.state in KEEPING else one for one in self.reservations)
        freed = tuple(replace(one, state=Use.RELEASED) if one.state is Use.USED else one for one in self.vouchers)
        cancelled = self.move(Status.CANCELLED, now, str(cause))
        return replace(cancelled, cause=cause, reservations=states, vouchers=freed)

    def given_back(self) -> tuple[Movement, ...]:
        """Return what goes back to stock when it is cancelled."""
        kept = (one for one in self.reservations if one.state in KEEPING)
        return tuple(self._movement(one, reserved=-one.unsent, why=Why.RELEASED) for one in kept)

    def keeping(self, shares: Iterable[Share]) -> "Order":
        """Return it with these shares of stock reserved until the money has to be there."""
        reservations = tuple(Reservation.of(one, until=self.placed_at + HOLD) for one in shares)
        return replace(self, reservations=reservations)

    def taken(self) -> tuple[Movement, ...]:
        """Return what its reservations take from stock."""
        return tuple(self._movement(one, reserved=one.quantity, why=Why.RESERVED) for one in self.reservations)

    def outstanding(self) -> tuple[Parcel, ...]:
        """Return what has not been shipped yet."""
        return tuple(
            Parcel(line.sku, line.quantity - line.shipped) for line in self.lines if line.shipped < line.quantity
        )

    def ship(self, shipment: Shipment, by: str) -> "Order":
        """Return it with a shipment more; fulfilled when that was the last. Raises Refused, Invalid for what is not due."""
        if self.status is not Status.PAID:
            raise Refused(f"an order that is {self.status} cannot be shipped")
        packed = Counter({parcel.sku: parcel.quantity for parcel in shipment.parcels})
        self._check(shipment.parcels)
        lines = tuple(replace(line, shipped=line.shipped + packed[line.sku]) for line in self.lines)
        drawn = self._drawn(shipment)
        sent = replace(
            self,
            lines=lines,
            reservations=tuple(one.sending(drawn[one.spot]) for one in self.reservations),
            shipments=(*self.shipments, shipment),
        )
        if sent.outstanding():
            return sent.noted("shipped", shipment.shipped_at, by)
        return sent.move(Status.FULFILLED, shipment.shipped_at, by)

    def _check(self, parcels: Iterable[Parcel]) -> None:
        due = {parcel.sku: parcel.quantity for parcel in self.outstanding()}
        for position, parcel in enumerate(parcels):
            if parcel.quantity > due.pop(parcel.sku, 0):
                raise Invalid(f"so many of {parcel.sku} are not due", faults=[Fault(f"/parcels/{position}", "not due")])

    def sent_off(self, shipment: Shipment) -> tuple[Movement, ...]:
        """Return what leaves stock with a shipment."""
        drawn = self._drawn(shipment)
        return tuple(
            self._movement(one, on_hand=-drawn[one.spot], reserved=-drawn[one.spot], why=Why.SHIPPED)
            for one in self.reservations
            if drawn[one.spot]
        )

    def _drawn(self, shipment: Shipment) -> Counter[Spot]:
        """Return how many a shipment takes from which rows: first of those that had all that was wanted of them."""
        due = Counter({parcel.sku: parcel.quantity for parcel in shipment.parcels})
        drawn: Counter[Spot] = Counter()
        for one in sorted(self.reservations, key=lambda known: (known.awaited, known.spot)):
            drawn[one.spot] = min(due[one.sku], one.unsent)
            due[one.sku] -= drawn[one.spot]
        return drawn

    def deliver(self, shipment_id: str, now: datetime, by: str) -> "Order":
        """Return it with that shipment delivered; delivered when that was the last. Raises Missing, Refused."""
        found = next((one for one in self.shipments if one.id == shipment_id), None)
        if found is None:
            raise Missing("there is no such shipment")
        if found.delivered_at is not None:
            raise Refused("that shipment has been delivered")
        there = tuple(replace(one, delivered_at=now) if one is found else one for one in self.shipments)
        known = replace(self, shipments=there)
        if self.outstanding() or any(one.delivered_at is None for one in there):
            return known.noted("shipment delivered", now, by)
        return known.move(Status.DELIVERED, now, by)

    def _movement(self, of: Reservation, *, why: Why, on_hand: int = 0, reserved: int = 0) -> Movement:
        return Movement(sku=of.sku, location=of.location, on_hand=on_hand, reserved=reserved, why=why, order_id=self.id)


def may_see(by: Caller, *, order_id: str, customer_id: str | None) -> bool:
    """Tell whether somebody may see an order: staff with the permission, its customer, the holder of its token."""
    match by.kind:
        case Kind.STAFF:
            return by.may("orders:read") or by.may("orders:write")
        case Kind.CUSTOMER:
            return customer_id is not None and customer_id == by.subject
        case Kind.ORDER_HOLDER:
            return order_id == by.subject
    return False


def newly_placed(
    order_id: str,
    bill: Bill,
    recipient: Recipient,
    *,
    number: str,
    cart_id: str,
    attempt: int,
    customer_id: str | None,
    quote_id: str,
    snapshot_hash: str,
    now: datetime,
) -> Order:
    """Return the order that a bill becomes, before anything is reserved for it."""
    return Order(
        id=order_id,
        number=number,
        cart_id=cart_id,
        attempt=attempt,
        market=bill.market,
        customer_id=customer_id,
        quote_id=quote_id,
        shipping_method=bill.shipping_method,
        snapshot_hash=snapshot_hash,
        lines=bill.lines,
        totals=bill.totals,
        vouchers=tuple(VoucherUse(code=one.code, off=one.off, amount=one.amount) for one in bill.discounts),
        contact=recipient.contact,
        shipping_address=recipient.shipping_address,
        billing_address=recipient.billing_address,
        timeline=(Entry(at=now, what="placed", by="customer"),),
        placed_at=now,
        changed_at=now,
    )
