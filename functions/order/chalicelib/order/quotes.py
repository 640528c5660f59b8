"""Quotes: a shopper's lines priced from our own replica of the products, to be accepted with the cart.

One round trip to MongoDB, one to PostgreSQL: rates of tax are remembered, and the quote is kept only where they are
still so. One more where they are not, or vouchers are asked for; and one that the door makes, to tell what of it is not
there yet.
"""

from collections.abc import Collection, Iterator, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Annotated, Protocol

import msgspec

from chalicelib.order.model import pricing
from chalicelib.order.model.address import Address, faults_of, unprintable
from chalicelib.order.model.allocation import Shelf
from chalicelib.order.model.pricing import Bill, Known, Offer, Terms, Wish
from chalicelib.order.model.product import Product, offers_of
from chalicelib.order.model.quote import LASTS, Contact, Quote, Recipient
from chalicelib.order.model.shipping import method_of
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.model.voucher import Voucher
from souk.errors import Fault, Invalid
from souk.ids import new_id
from souk.markets import DEFAULT, Market, market_of
from souk.money import Money

Code = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class QuoteWish(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a shopper wants to have priced, for whom and where to; without a billing address it is the shipping address."""

    lines: Annotated[tuple[Wish, ...], msgspec.Meta(min_length=1, max_length=200)]
    contact: Contact
    shipping_address: Address
    billing_address: Address | None = None
    shipping_method: Code
    vouchers: Annotated[tuple[Code, ...], msgspec.Meta(max_length=10)] = ()
    market: Code = DEFAULT

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of its vouchers as they are kept; people may write them small."""
        return tuple(code.strip().upper() for code in self.vouchers)


class MarketQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which market, and to which country; without one, to all of the market's."""

    market: Code = DEFAULT
    country: Code | None = None


class Products(Protocol):
    """The replica of the products."""

    def with_skus(self, skus: Collection[str]) -> list[Product]:
        """Return the products that have any of these SKUs."""


class Quotes(Protocol):
    """Where quotes are kept, and the terms they are made under."""

    def terms(self, country: str, codes: Collection[str]) -> Known:
        """Return a country's rates of tax, and those of the vouchers that exist."""

    def add_quote(self, quote: Quote, *, under: TaxRates | None = None) -> list[Shelf] | None:
        """Keep a new quote and return how its goods lie; None where its country's rates are others than it was made `under`."""


class Made(msgspec.Struct, frozen=True):
    """A quote that was just made, and how its goods lie."""

    quote: Quote
    shelves: list[Shelf]


def quote(
    wish: QuoteWish,
    *,
    now: datetime,
    products: Products,
    quotes: Quotes,
    remembered: MutableMapping[str, TaxRates] | None = None,
) -> Made:
    """Price what is wished and keep the quote. Raises Invalid, pointing at what cannot be priced.

    `remembered` are the rates of tax by country as they were when last looked at.
    """
    rates = {} if remembered is None else remembered
    market = market_of(wish.market)
    _check(_faults(wish, market))
    country = wish.shipping_address.country
    method = method_of(wish.shipping_method, country)
    offers = offers_of(products.with_skus({line.sku for line in wish.lines}), market.code)
    _check(_not_sold(wish.lines, offers))

    def priced(known: Known) -> Quote:
        terms = Terms(method=method, rates=known.rates, vouchers=known.vouchers)
        return quoted(pricing.bill(wish.lines, offers, market=market, terms=terms), _recipient(wish), now=now)

    if not wish.codes and country in rates:
        made = priced(Known(rates=rates[country]))
        if (shelves := quotes.add_quote(made, under=rates[country])) is not None:
            return Made(made, shelves)
    known = quotes.terms(country, wish.codes)
    rates[country] = known.rates
    _check(_vouchers(wish, known.vouchers, pricing.goods_of(wish.lines, offers, currency=market.currency), now))
    made = priced(known)
    return Made(made, quotes.add_quote(made) or [])


def quoted(bill: Bill, recipient: Recipient, *, now: datetime) -> Quote:
    """Return a new quote of a bill."""
    return Quote(id=new_id(), bill=bill, recipient=recipient, made_at=now, expires_at=now + LASTS)


def _recipient(wish: QuoteWish) -> Recipient:
    billing = wish.billing_address or wish.shipping_address
    return Recipient(contact=wish.contact, shipping_address=wish.shipping_address, billing_address=billing)


def _check(found: Iterator[Fault]) -> None:
    if faults := list(found):
        raise Invalid("this cannot be priced", faults=faults)


def _faults(wish: QuoteWish, market: Market) -> Iterator[Fault]:
    """Say what is wrong with a wish that needs no look at anything kept."""
    for name, said in (("lines", [line.sku for line in wish.lines]), ("vouchers", list(wish.codes))):
        inside = "/sku" if name == "lines" else ""
        yield from (Fault(f"/{name}/{n}{inside}", "is here twice") for n, one in enumerate(said) if one in said[:n])
    if wish.shipping_address.country not in market.countries:
        yield Fault("/shipping_address/country", f"we ship to {', '.join(market.countries)}")
    yield from unprintable(wish.contact, "/contact")
    yield from faults_of(wish.shipping_address, "/shipping_address")
    if wish.billing_address is not None:
        yield from faults_of(wish.billing_address, "/billing_address")


def _not_sold(lines: Sequence[Wish], offers: Mapping[str, Offer]) -> Iterator[Fault]:
    for position, line in enumerate(lines):
        if line.sku not in offers:
            yield Fault(f"/lines/{position}/sku", f"{line.sku} is not sold")


def _vouchers(wish: QuoteWish, known: Sequence[Voucher], goods: Money, now: datetime) -> Iterator[Fault]:
    by_code = {one.code: one for one in known}
    for position, code in enumerate(wish.codes):
        if code not in by_code:
            yield Fault(f"/vouchers/{position}", "unknown voucher")
        elif by_code[code].is_used_up:
            yield Fault(f"/vouchers/{position}", "is used up")
        elif why := by_code[code].objection(goods=goods, market=wish.market, at=now):
            yield Fault(f"/vouchers/{position}", why)
