"""Orders as they are shown: pending, rejected with reasons, or placed, and what became of them."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from chalicelib.order.model.address import Address
from chalicelib.order.model.order import Cause, Entry, Order, Payment, Shipment, Status
from chalicelib.order.model.pricing import Line, Totals
from chalicelib.order.model.quote import Contact
from chalicelib.order.model.reservation import Hold
from chalicelib.order.model.submission import Reason, Rejection
from chalicelib.order.model.voucher import VoucherUse
from chalicelib.order.views.stock import Awaited
from souk.auth import Caller, Kind

Shown = Literal["pending", "rejected", "placed", "paid", "fulfilled", "delivered", "cancelled"]


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """So many of a SKU lie at a location for an order."""

    sku: str
    location: str
    quantity: int
    shipped: int


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    """An order; `pending` while it is not decided, `rejected` with reasons when it was turned down."""

    id: str
    status: Shown
    version: int
    number: str = ""
    market: str = ""
    customer_id: str | None = None
    lines: list[Line] = []
    awaited: Annotated[list[Awaited], msgspec.Meta(description="what was not there yet when it was ordered")] = []
    sources: Annotated[list[Source], msgspec.Meta(description="where its goods lie; for staff")] = []
    totals: Totals | None = None
    vouchers: list[VoucherUse] = []
    shipping_method: str = ""
    contact: Contact | None = None
    shipping_address: Address | None = None
    billing_address: Address | None = None
    shipments: list[Shipment] = []
    payments: list[Payment] = []
    timeline: list[Entry] = []
    placed_at: datetime | None = None
    changed_at: datetime | None = None
    pay_by: Annotated[datetime | None, msgspec.Meta(description="until when stock is kept for it")] = None
    cancelled_by: Cause | None = None
    reasons: list[Reason] = []
    quote_id: Annotated[str | None, msgspec.Meta(description="a new quote, where only the price was in the way")] = None

    @classmethod
    def of(cls, found: Order | Rejection | None, order_id: str, *, by: Caller) -> "OrderView":
        """Show what became of a submission so far."""
        if found is None:
            return cls(id=order_id, status="pending", version=0)
        if isinstance(found, Rejection):
            return _rejected(found)
        decided = _decided(found)
        return replace(decided, sources=_sources(found)) if by.kind is Kind.STAFF else decided


def _sources(order: Order) -> list[Source]:
    return [
        Source(sku=one.sku, location=one.location, quantity=one.quantity, shipped=one.shipped)
        for one in order.reservations
    ]


def _rejected(found: Rejection) -> OrderView:
    return OrderView(
        id=found.order_id,
        status="rejected",
        version=1,
        customer_id=found.customer_id,
        reasons=list(found.reasons),
        quote_id=found.quote_id,
        changed_at=found.decided_at,
    )


def _decided(order: Order) -> OrderView:
    held = [one.held_until for one in order.reservations if one.state is Hold.HELD]
    return OrderView(
        id=order.id,
        status=order.status.value,
        version=order.version,
        number=order.number,
        market=order.market,
        customer_id=order.customer_id,
        lines=list(order.lines),
        awaited=[Awaited.of(one) for one in order.reservations if one.awaited],
        totals=order.totals,
        vouchers=list(order.vouchers),
        shipping_method=order.shipping_method,
        contact=order.contact,
        shipping_address=order.shipping_address,
        billing_address=order.billing_address,
        shipments=list(order.shipments),
        payments=list(order.payments),
        timeline=list(order.timeline),
        placed_at=order.placed_at,
        changed_at=order.changed_at,
        pay_by=min(held) if held and order.status is Status.PLACED else None,
        cancelled_by=order.cause,
    )
