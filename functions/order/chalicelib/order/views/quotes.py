"""Quotes as shoppers are shown them: prices, ways to ship, and stock that is held meanwhile."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from chalicelib.order.model.allocation import Share
from chalicelib.order.model.hold import Held
from chalicelib.order.model.pricing import Line
from chalicelib.order.model.quote import Quote
from chalicelib.order.model.shipping import ShippingMethod
from chalicelib.order.model.tax import TaxClass
from chalicelib.order.model.voucher import Discount
from chalicelib.order.views.stock import Awaited
from souk.money import Money


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
