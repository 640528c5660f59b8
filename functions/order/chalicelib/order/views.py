"""What the doors of the order service answer with."""

from datetime import datetime

import msgspec

from chalicelib.order.model.pricing import Line, ShippingMethod
from chalicelib.order.model.quote import Quote
from chalicelib.order.model.stock import Level
from souk.money import Money


class QuotedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A priced line."""

    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    tax: Money


class QuoteView(msgspec.Struct, frozen=True, kw_only=True):
    """A quote: submit the cart with its id and its total to accept it, before it expires."""

    id: str
    market: str
    lines: list[QuotedLine]
    shipping_method: str
    goods: Money
    shipping: Money
    tax: Money
    tax_included: bool
    total: Money
    expires_at: datetime

    @classmethod
    def of(cls, quote: Quote) -> "QuoteView":
        """Show a quote; nothing personal."""
        bill, totals = quote.bill, quote.bill.totals
        return cls(
            id=quote.id,
            market=bill.market,
            lines=[_quoted(line) for line in bill.lines],
            shipping_method=bill.shipping_method,
            goods=totals.goods,
            shipping=totals.shipping,
            tax=totals.tax,
            tax_included=totals.tax_included,
            total=totals.total,
            expires_at=quote.expires_at,
        )


def _quoted(line: Line) -> QuotedLine:
    return QuotedLine(
        sku=line.sku,
        product_id=line.product_id,
        title=line.title,
        quantity=line.quantity,
        unit_price=line.unit_price,
        total=line.total,
        tax=line.tax,
    )


class MethodView(msgspec.Struct, frozen=True, kw_only=True):
    """A way to ship in a market; free from some worth of goods on, where it says so."""

    code: str
    title: str
    price: Money
    free_from: Money | None

    @classmethod
    def of(cls, method: ShippingMethod, currency: str) -> "MethodView":
        """Show a way to ship."""
        free_from = None if method.free_from is None else Money(method.free_from, currency)
        return cls(code=method.code, title=method.title, price=Money(method.price, currency), free_from=free_from)


class StockView(msgspec.Struct, frozen=True, kw_only=True):
    """How much of a SKU there is at a location, and how much of it can still be promised."""

    sku: str
    location: str
    on_hand: int
    reserved: int
    backorder: int
    available: int
    version: int
    changed_at: datetime

    @classmethod
    def of(cls, level: Level) -> "StockView":
        """Show a row of stock."""
        return cls(**msgspec.structs.asdict(level), available=level.available)
