"""What the doors of the order service answer with."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from chalicelib.order.model.address import Address
from chalicelib.order.model.allocation import Share
from chalicelib.order.model.hold import Held
from chalicelib.order.model.order import Cause, Entry, Order, Payment, Shipment, Status
from chalicelib.order.model.pricing import Line, Totals
from chalicelib.order.model.quote import Contact, Quote
from chalicelib.order.model.reservation import Hold, Reservation
from chalicelib.order.model.shipping import ShippingMethod
from chalicelib.order.model.stock import LedgerEntry, Level, Why
from chalicelib.order.model.submission import Reason, Rejection
from chalicelib.order.model.tax import TaxClass
from chalicelib.order.model.voucher import Discount, VoucherUse
from souk.auth import Caller, Kind
from souk.ids import id_of
from souk.money import Money

Shown = Literal["pending", "rejected", "placed", "paid", "fulfilled", "delivered", "cancelled"]


class QuotedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A priced line: what it costs, what is taken off, and the tax in (or on) the rest."""

    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    discount: Money
    tax_class: TaxClass
    tax_rate: Annotated[int, msgspec.Meta(description="in hundredths of a per cent")]
    tax: Money


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """A quote: submit the cart with its id and its total to accept it, before it expires."""

    id: str
    market: str
    lines: list[QuotedLine]
    shipping_method: str
    country: Annotated[str, msgspec.Meta(description="whose taxes these are")]
    goods: Money
    vouchers: list[Discount]
    discount: Money
    shipping: Money
    shipping_tax: Money
    tax: Money
    tax_included: bool
    total: Money
    expires_at: datetime
    awaited: Annotated[list["Awaited"], msgspec.Meta(description="what is not there yet, as of now")] = []

    @classmethod
    def of(cls, quote: Quote, shares: Sequence[Share]) -> "QuoteView":
        """Show a quote and where its goods would come from; nothing personal."""
        bill, totals = quote.bill, quote.bill.totals
        return cls(
            id=quote.id,
            market=bill.market,
            lines=[_quoted(line) for line in bill.lines],
            shipping_method=bill.shipping_method,
            country=quote.recipient.shipping_address.country,
            goods=totals.goods,
            vouchers=list(bill.discounts),
            discount=totals.discount,
            shipping=totals.shipping,
            shipping_tax=totals.shipping_tax,
            tax=totals.tax,
            tax_included=totals.tax_included,
            total=totals.total,
            expires_at=quote.expires_at,
            awaited=[Awaited.of(one) for one in shares if one.awaited],
        )


def _quoted(line: Line) -> QuotedLine:
    return QuotedLine(
        sku=line.sku,
        product_id=line.product_id,
        title=line.title,
        quantity=line.quantity,
        unit_price=line.unit_price,
        total=line.total,
        discount=line.discount,
        tax_class=line.tax_class,
        tax_rate=line.tax_rate,
        tax=line.tax,
    )


class MethodView(msgspec.Struct, frozen=True, kw_only=True):
    """A way to ship in a market; free from some worth of goods on, where it says so."""

    code: str
    title: str
    price: Money
    free_from: Money | None
    countries: list[str]

    @classmethod
    def of(cls, method: ShippingMethod, currency: str) -> "MethodView":
        """Show a way to ship."""
        free_from = None if method.free_from is None else Money(method.free_from, currency)
        return cls(
            code=method.code,
            title=method.title,
            price=Money(method.price, currency),
            free_from=free_from,
            countries=list(method.countries),
        )


class Awaited(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of a SKU that are not there yet; a pre-order is one of what is not out yet."""

    sku: str
    quantity: int
    due_on: date | None
    preorder: bool

    @classmethod
    def of(cls, kept: "Reservation | Held | Share") -> "Awaited":
        """Show what of something that is kept is not there yet."""
        sku = kept.spot.sku
        return cls(sku=sku, quantity=kept.awaited, due_on=kept.due_on, preorder=kept.preorder)


class HeldLine(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of a SKU that are held."""

    sku: str
    quantity: int


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """What is held for a quote, and until when."""

    quote_id: str
    held_until: datetime
    lines: list[HeldLine]
    awaited: Annotated[list[Awaited], msgspec.Meta(description="what of it is not there yet")]

    @classmethod
    def of(cls, quote_id: str, held: Sequence[Held]) -> "HoldView":
        """Show what is held; not from where."""
        units: Counter[str] = Counter()
        for one in held:
            units[one.sku] += one.quantity
        return cls(
            quote_id=quote_id,
            held_until=min(one.held_until for one in held),
            lines=[HeldLine(sku=sku, quantity=quantity) for sku, quantity in units.items()],
            awaited=[Awaited.of(one) for one in held if one.awaited],
        )


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


class StockView(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a SKU there is at a location, and how much of it can still be promised."""

    sku: str
    location: str
    on_hand: int
    reserved: int
    backorder: int
    available: int
    low_at: Annotated[int | None, msgspec.Meta(description="`stock.low` is told when no more are left")]
    expected_on: Annotated[date | None, msgspec.Meta(description="when more comes")]
    released_on: Annotated[date | None, msgspec.Meta(description="before this day it is sold in advance")]
    version: int
    changed_at: datetime

    @classmethod
    def of(cls, level: Level) -> "StockView":
        """Show a row of stock."""
        return cls(**msgspec.structs.asdict(level), available=level.available)


class LedgerView(msgspec.Struct, frozen=True, kw_only=True):
    """A movement as staff see it. Whoever knows a quote's id may order by it, so it is its shopper's alone."""

    id: int
    on_hand: Annotated[int, msgspec.Meta(description="by how much it changed, as do the two below")]
    reserved: int
    backorder: int
    why: Why
    order_id: str | None
    hold: Annotated[str | None, msgspec.Meta(description="the same for all that was held for one quote")]
    note: str
    by: str
    at: datetime

    @classmethod
    def of(cls, entry: LedgerEntry) -> "LedgerView":
        """Show a movement."""
        return cls(
            id=entry.id,
            on_hand=entry.on_hand,
            reserved=entry.reserved,
            backorder=entry.backorder,
            why=entry.why,
            order_id=entry.order_id,
            hold=None if entry.quote_id is None else id_of("hold", entry.quote_id),
            note=entry.note,
            by=entry.by,
            at=entry.at,
        )
