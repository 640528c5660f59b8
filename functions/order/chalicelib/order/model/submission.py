"""Submissions: a cart that was accepted at a price, and how the shop decided on it."""

import hashlib
from collections import Counter
from datetime import datetime

import msgspec

from chalicelib.order.model.pricing import Bill, Offer, Wish
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
    """Why a submission was rejected; for want of stock it says of what, how many were asked for and are available."""

    code: str
    detail: str
    sku: str | None = None
    asked: int | None = None
    available: int | None = None


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
    bill: Bill

    def digest(self) -> str:
        """Return the hash that the order keeps, so that a changed snapshot is noticed."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()


EMPTY = Reason(code="empty", detail="there is nothing in the cart")
NO_QUOTE = Reason(code="quote-unknown", detail="there is no such quote")
QUOTE_EXPIRED = Reason(code="quote-expired", detail="the quote had expired when the cart was submitted")
TOO_MUCH = Reason(code="too-much", detail="it comes to more money than we count")
QUOTE_OF_ELSEWHERE = Reason(code="quote-elsewhere", detail="the quote is for another market")


def not_sold(sku: str) -> Reason:
    """Return the reason for a SKU that is no longer sold."""
    return Reason(code="not-sold", detail=f"{sku} is no longer sold", sku=sku)


def total_changed(accepted: Money, due: Money) -> Reason:
    """Return the reason for another total than the accepted one."""
    return Reason(
        code="total-changed",
        detail=f"{accepted.amount} {accepted.currency} was accepted, {due.amount} {due.currency} is due",
    )


def out_of_stock(sku: str, *, asked: int, available: int) -> Reason:
    """Return the reason for want of stock."""
    detail = f"{asked} of {sku} were asked for, {available} are available"
    return Reason(code="out-of-stock", detail=detail, sku=sku, asked=asked, available=available)
