"""What lines cost: prices of the product replica, shipping by method, tax by country; totals that always sum."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from chalicelib.order.model.stock import Sku
from souk.errors import Fault, Invalid
from souk.markets import MARKETS, Market
from souk.money import MOST, Money, total

Quantity = Annotated[int, msgspec.Meta(ge=1, le=9_999)]
WHOLE = 10_000  # tax rates are in hundredths of a per cent
TAX_RATES: Mapping[str, int] = {"US": 800}


class TooMuch(Invalid):
    """It comes to more money than is counted."""

    code = "too-much"


class ShippingMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A way to ship: its price, in minor units of the market's currency, and from which worth of goods it is free."""

    code: str
    title: str
    price: int
    free_from: int | None = None

    def cost(self, goods: Money) -> Money:
        """Return what shipping these goods costs."""
        free = self.free_from is not None and goods.amount >= self.free_from
        return Money(0 if free else self.price, goods.currency)


SHIPPING_METHODS: Mapping[str, ShippingMethod] = {
    method.code: method
    for method in (
        ShippingMethod(code="standard", title="Standard, 3 to 5 days", price=499, free_from=5_000),
        ShippingMethod(code="express", title="Express, next day", price=1_299),
        ShippingMethod(code="pickup", title="Collect in the shop", price=0),
    )
}


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
    slug: str = ""
    brand: str = ""
    image: str | None = None
    attributes: dict[str, Any] = {}  # as the product has them: schemaless


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a quote or an order; `total` is `quantity` times `unit_price`, `tax` the tax on it."""

    sku: str
    product_id: str
    title: str
    quantity: int
    unit_price: Money
    total: Money
    tax: Money
    shipped: int = 0

    def __post_init__(self) -> None:
        if self.total != self.unit_price.times(self.quantity):
            raise ValueError(f"the line of {self.sku} does not sum")


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What it comes to. Where prices include tax, `tax` is the part of the total that is tax."""

    goods: Money
    shipping: Money
    tax: Money
    total: Money
    tax_included: bool

    def __post_init__(self) -> None:
        added = self.goods + self.shipping if self.tax_included else self.goods + self.shipping + self.tax
        if added != self.total:
            raise ValueError("the totals do not sum")


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """Priced lines and what they come to with shipping and tax."""

    market: str
    shipping_method: str
    lines: tuple[Line, ...]
    totals: Totals

    def __post_init__(self) -> None:
        if total((line.total for line in self.lines), currency=self.totals.goods.currency) != self.totals.goods:
            raise ValueError("the lines do not sum to the goods")


def tax_on(amount: Money, rate: int, *, included: bool) -> Money:
    """Return the tax in (or on) an amount, rounded half up; `rate` is in hundredths of a per cent."""
    whole = WHOLE + rate if included else WHOLE
    return Money((2 * amount.amount * rate + whole) // (2 * whole), amount.currency)


def market_of(code: str) -> Market:
    """Return the market. Raises Invalid for an unknown one."""
    if code not in MARKETS:
        raise Invalid("there is no such market", faults=[Fault("/market", "unknown market")])
    return MARKETS[code]


def method_of(code: str) -> ShippingMethod:
    """Return the shipping method. Raises Invalid for an unknown one."""
    if code not in SHIPPING_METHODS:
        known = ", ".join(SHIPPING_METHODS)
        raise Invalid("there is no such shipping method", faults=[Fault("/shipping_method", f"one of {known}")])
    return SHIPPING_METHODS[code]


def bill(
    wishes: Sequence[Wish],
    offers: Mapping[str, Offer],
    *,
    market: Market,
    method: ShippingMethod,
    country: str,
) -> Bill:
    """Price `wishes`; every SKU has to be among `offers`. Raises TooMuch."""
    rate, included = TAX_RATES.get(country, 0), market.prices_include_tax
    lines = tuple(_line(wish, offers[wish.sku], rate, included=included) for wish in wishes)
    goods = total((line.total for line in lines), currency=market.currency)
    shipping = method.cost(goods)
    tax = total((line.tax for line in lines), currency=market.currency) + tax_on(shipping, rate, included=included)
    due = goods + shipping if included else goods + shipping + tax
    if due.amount > MOST:
        raise TooMuch("this comes to more money than we count")
    totals = Totals(goods=goods, shipping=shipping, tax=tax, total=due, tax_included=included)
    return Bill(market=market.code, shipping_method=method.code, lines=lines, totals=totals)


def _line(wish: Wish, offer: Offer, rate: int, *, included: bool) -> Line:
    cost = offer.price.times(wish.quantity)
    return Line(
        sku=wish.sku,
        product_id=offer.product_id,
        title=offer.title,
        quantity=wish.quantity,
        unit_price=offer.price,
        total=cost,
        tax=tax_on(cost, rate, included=included),
    )
