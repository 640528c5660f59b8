"""Quotes: a shopper's lines priced from our own replica of the products, to be accepted with the cart.

One round trip to MongoDB, one to PostgreSQL.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Protocol

import msgspec

from chalicelib.order.model import pricing
from chalicelib.order.model.pricing import Bill, Offer, Wish
from chalicelib.order.model.product import Product, offers_of
from chalicelib.order.model.quote import LASTS, Address, Contact, Quote, Recipient
from souk.errors import Fault, Invalid
from souk.ids import new_id
from souk.markets import DEFAULT, Market

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


class MarketQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """In which market."""

    market: Code = DEFAULT


class Products(Protocol):
    """The replica of the products."""

    def with_skus(self, skus: Collection[str]) -> list[Product]:
        """Return the products that have any of these SKUs."""


class Quotes(Protocol):
    """Where quotes are kept."""

    def add_quote(self, quote: Quote) -> None:
        """Keep a new quote."""


def quote(wish: QuoteWish, *, now: datetime, products: Products, quotes: Quotes) -> Quote:
    """Price what is wished and keep the quote. Raises Invalid, pointing at what cannot be priced."""
    market = pricing.market_of(wish.market)
    method = pricing.method_of(wish.shipping_method)
    _check(wish, market)
    offers = offers_of(products.with_skus({line.sku for line in wish.lines}), market.code)
    _check_sold(wish.lines, offers)
    country = wish.shipping_address.country
    priced = pricing.bill(wish.lines, offers, market=market, method=method, country=country)
    made = quoted(priced, _recipient(wish), now=now)
    quotes.add_quote(made)
    return made


def quoted(bill: Bill, recipient: Recipient, *, now: datetime) -> Quote:
    """Return a new quote of a bill."""
    return Quote(id=new_id(), bill=bill, recipient=recipient, made_at=now, expires_at=now + LASTS)


def _recipient(wish: QuoteWish) -> Recipient:
    billing = wish.billing_address or wish.shipping_address
    return Recipient(contact=wish.contact, shipping_address=wish.shipping_address, billing_address=billing)


def _check(wish: QuoteWish, market: Market) -> None:
    faults = [Fault(f"/vouchers/{position}", "unknown voucher") for position, _ in enumerate(wish.vouchers)]
    skus = [line.sku for line in wish.lines]
    faults += [
        Fault(f"/lines/{position}/sku", "is here twice") for position, sku in enumerate(skus) if sku in skus[:position]
    ]
    if wish.shipping_address.country not in market.countries:
        faults.append(Fault("/shipping_address/country", f"we ship to {', '.join(market.countries)}"))
    if faults:
        raise Invalid("this cannot be priced", faults=faults)


def _check_sold(lines: Sequence[Wish], offers: Mapping[str, Offer]) -> None:
    faults = [
        Fault(f"/lines/{position}/sku", f"{line.sku} is not sold")
        for position, line in enumerate(lines)
        if line.sku not in offers
    ]
    if faults:
        raise Invalid("not all of this is sold", faults=faults)
