"""What lines cost: prices of the product replica, less vouchers, with shipping and tax; totals that always sum.

How it is rounded: a voucher's part once (half up) and split over the lines by largest remainder, tax line by line and on
shipping (half up, on what is paid for it). Nothing else is rounded: all the rest are sums.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from chalicelib.order.model.shipping import ShippingMethod
from chalicelib.order.model.stock import Sku
from chalicelib.order.model.tax import TaxClass, TaxRates, tax_on
from chalicelib.order.model.voucher import Discount, Voucher, taken_off
from souk.errors import Invalid
from souk.markets import Market
from souk.money import MOST, Money, total

Quantity = Annotated[int, msgspec.Meta(ge=1, le=9_999)]


class TooMuch(Invalid):
    """It comes to more money than is counted."""

    code = "too-much"


class Wish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """So many of a SKU."""

    sku: Sku
    quantity: Quantity


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU as it is sold in a market, at the version of its product document."""

    sku: str
    product_id: str
    version: int
    title: str
    price: Money
    tax_class: TaxClass = TaxClass.STANDARD
    slug: str = ""
    brand: str = ""
    image: str | None = None
    attributes: dict[str, Any] = {}  # as the product has them: schemaless


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What is known for a bill at a moment: the country's rates of tax, and those of the vouchers asked for that exist."""

    rates: TaxRates
    vouchers: tuple[Voucher, ...] = ()


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """Under what terms lines are priced: the way to ship, the country's rates of tax, the vouchers that apply."""

    method: ShippingMethod
    rates: TaxRates
    vouchers: tuple[Voucher, ...] = ()


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a quote or an order; `total` is `quantity` times `unit_price`, of which `discount` is not paid.

    `tax` is that in (or on) the rest, at `tax_rate` hundredths of a per cent.
    """

    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    discount: Money
    tax_class: TaxClass
    tax_rate: int
    tax: Money
    shipped: int = 0

    def __post_init__(self) -> None:
        if self.total != self.unit_price.times(self.quantity):
            raise ValueError(f"the line of {self.sku} does not sum")
        if not 0 <= self.discount.amount <= self.total.amount:
            raise ValueError(f"more is taken off {self.sku} than it costs")


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What it comes to: goods, less the discount, and shipping; `tax` is in that or comes on top of it.

    `shipping_tax` is the part of `tax` that is in (or on) shipping.
    """

    goods: Money
    discount: Money
    shipping: Money
    shipping_tax: Money
    tax: Money
    total: Money
    tax_included: bool

    def __post_init__(self) -> None:
        added = self.goods + self.discount.times(-1) + self.shipping
        if (added if self.tax_included else added + self.tax) != self.total:
            raise ValueError("the totals do not sum")


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """Priced lines and what they come to with discounts, shipping and tax."""

    market: str
    shipping_method: str
    lines: tuple[Line, ...]
    totals: Totals
    discounts: tuple[Discount, ...] = ()

    def __post_init__(self) -> None:
        totals, none = self.totals, Money(0, self.totals.goods.currency)
        if sum((line.total for line in self.lines), none) != totals.goods:
            raise ValueError("the lines do not sum to the goods")
        off = sum((line.discount for line in self.lines), none)
        if not off == sum((one.amount for one in self.discounts), none) == totals.discount:
            raise ValueError("the lines' discounts do not sum to the vouchers'")
        if sum((line.tax for line in self.lines), totals.shipping_tax) != totals.tax:
            raise ValueError("the lines' taxes do not sum to the tax")

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its vouchers."""
        return tuple(one.code for one in self.discounts)


def goods_of(wishes: Sequence[Wish], offers: Mapping[str, Offer], *, currency: str) -> Money:
    """Return what the goods are worth, before anything is taken off."""
    return total((offers[one.sku].price.times(one.quantity) for one in wishes), currency=currency)


def bill(wishes: Sequence[Wish], offers: Mapping[str, Offer], *, market: Market, terms: Terms) -> Bill:
    """Price `wishes` under `terms`; every SKU has to be among `offers`. Raises TooMuch."""
    goods = goods_of(wishes, offers, currency=market.currency)
    if goods.amount > MOST:
        raise TooMuch("this comes to more money than we count")
    off, discounts = _discounts([offers[one.sku].price.amount * one.quantity for one in wishes], market, terms)
    lines = tuple(_line(wish, offers[wish.sku], part, market, terms) for wish, part in zip(wishes, off, strict=True))
    totals = _totals(goods, lines, market, terms)
    return Bill(market=market.code, shipping_method=terms.method.code, lines=lines, totals=totals, discounts=discounts)


def _discounts(left: list[int], market: Market, terms: Terms) -> tuple[list[int], tuple[Discount, ...]]:
    """Return what is taken off each line, and by which voucher how much."""
    off, discounts = [0] * len(left), []
    for voucher in sorted(terms.vouchers, key=lambda one: one.code):
        parts = taken_off([whole - gone for whole, gone in zip(left, off, strict=True)], voucher.off)
        off = [gone + part for gone, part in zip(off, parts, strict=True)]
        discounts.append(Discount(code=voucher.code, off=voucher.off, amount=Money(sum(parts), market.currency)))
    return off, tuple(discounts)


def _line(wish: Wish, offer: Offer, off: int, market: Market, terms: Terms) -> Line:
    cost, discount = offer.price.times(wish.quantity), Money(off, market.currency)
    rate = terms.rates.rate(offer.tax_class)
    return Line(
        sku=wish.sku,
        product_id=offer.product_id,
        title=offer.title,
        quantity=wish.quantity,
        unit_price=offer.price,
        total=cost,
        discount=discount,
        tax_class=offer.tax_class,
        tax_rate=rate,
        tax=tax_on(cost + discount.times(-1), rate, included=market.prices_include_tax),
    )


def _totals(goods: Money, lines: Sequence[Line], market: Market, terms: Terms) -> Totals:
    included = market.prices_include_tax
    discount = total((line.discount for line in lines), currency=market.currency)
    shipping = terms.method.cost(goods + discount.times(-1))
    shipping_tax = tax_on(shipping, terms.rates.rate(TaxClass.STANDARD), included=included)
    tax = total((line.tax for line in lines), currency=market.currency) + shipping_tax
    due = goods + discount.times(-1) + shipping
    if (due := due if included else due + tax).amount > MOST:
        raise TooMuch("this comes to more money than we count")
    return Totals(
        goods=goods,
        discount=discount,
        shipping=shipping,
        shipping_tax=shipping_tax,
        tax=tax,
        total=due,
        tax_included=included,
    )
