"""Submissions: a cart that was accepted at a price, and how the shop decided on it."""

import hashlib
from collections import Counter
from collections.abc import Collection
from datetime import datetime

import msgspec
from msgspec.structs import replace

from chalicelib.order.model.pricing import Bill, Offer, Terms, Wish, bill
from souk.markets import market_of
from souk.money import Money


class SubmittedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a submitted cart; `product_version` is what the shopper saw."""

    sku: str
    product_id: str
    quantity: int
    product_version: int


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A cart's n-th submission: the order id that every retry has too, frozen lines, and the total that was accepted."""

    order_id: str
    cart_id: str
    attempt: int
    market: str
    customer_id: str | None
    lines: tuple[SubmittedLine, ...]
    quote_id: str
    accepted_total: Money
    submitted_at: datetime
    event_id: str  # of the event that told of it

    def wishes(self) -> list[Wish]:
        """Return what is wished, one wish a SKU, in the order of the cart."""
        asked: Counter[str] = Counter()
        for line in self.lines:
            asked[line.sku] += line.quantity
        return [Wish(sku, quantity) for sku, quantity in asked.items()]


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """An order id claimed `at` a moment, None when it has been decided before; `fresh` when this event is a new one."""

    at: datetime | None
    fresh: bool


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why a submission was rejected: a code that stays, words, and what they are about.

    For want of stock: of what, how many were asked for and are available; for another price: what was accepted and is due.
    """

    code: str
    detail: str
    sku: str | None = None
    asked: int | None = None
    available: int | None = None
    voucher: str | None = None
    accepted: Money | None = None
    due: Money | None = None


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """The shop's no to a submission; where only the price was in the way, `quote_id` names a new quote."""

    order_id: str
    cart_id: str
    attempt: int
    customer_id: str | None
    reasons: tuple[Reason, ...]
    quote_id: str | None
    decided_at: datetime


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Products, prices, tax and shipping as they were when an order was priced; nothing personal."""

    order_id: str
    offers: tuple[Offer, ...]
    terms: Terms
    bill: Bill

    def without(self, codes: Collection[str]) -> "Snapshot":
        """Return it priced again without these vouchers, all else being equal."""
        left = tuple(one for one in self.terms.vouchers if one.code not in codes)
        terms = replace(self.terms, vouchers=left)
        wishes = [Wish(line.sku, line.quantity) for line in self.bill.lines]
        offers = {offer.sku: offer for offer in self.offers}
        return replace(self, terms=terms, bill=bill(wishes, offers, market=market_of(self.bill.market), terms=terms))

    def digest(self) -> str:
        """Return the hash that the order keeps, so that a changed snapshot is noticed."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


EMPTY = Reason(code="empty", detail="there is nothing in the cart")
NO_QUOTE = Reason(code="quote-unknown", detail="there is no such quote")
QUOTE_EXPIRED = Reason(code="quote-expired", detail="the quote had expired when the cart was submitted")
TOO_MUCH = Reason(code="too-much", detail="it comes to more money than we count")
QUOTE_OF_ELSEWHERE = Reason(code="quote-elsewhere", detail="the quote is for another market")
QUOTE_USED = Reason(code="quote-used", detail="an order was placed with the quote before")


def not_sold(sku: str) -> Reason:
    """Return the reason for a SKU that is no longer sold."""
    return Reason(code="not-sold", detail=f"{sku} is no longer sold", sku=sku)


def price_changed(accepted: Money, due: Money) -> Reason:
    """Return the reason for another total than the accepted one."""
    detail = f"{accepted.amount} {accepted.currency} was accepted, {due.amount} {due.currency} is due"
    return Reason(code="price-changed", detail=detail, accepted=accepted, due=due)


def voucher_lapsed(code: str) -> Reason:
    """Return the reason for a voucher that no longer applies: it ended, or the goods are worth too little for it."""
    return Reason(code="voucher-not-valid", detail=f"the voucher {code} does not apply any more", voucher=code)


def voucher_used_up(code: str) -> Reason:
    """Return the reason for a voucher that others used up."""
    return Reason(code="voucher-used-up", detail=f"no use is left of the voucher {code}", voucher=code)


def out_of_stock(sku: str, *, asked: int, available: int) -> Reason:
    """Return the reason for want of stock."""
    detail = f"{asked} of {sku} were asked for, {available} are available"
    return Reason(code="out-of-stock", detail=detail, sku=sku, asked=asked, available=available)
