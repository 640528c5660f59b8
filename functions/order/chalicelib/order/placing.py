"""Placing: a submitted cart becomes an order, or is turned down with reasons; exactly once, and never without stock.

Round trips, however many lines: one reads the quote with its terms, two go to MongoDB (products, snapshot), and the
transaction makes four: claim, lock, take, and the order with its events and the commit; one more to use vouchers, and one
more where something kept of the goods is due.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import datetime
from typing import Protocol

import msgspec
from msgspec.structs import replace

from chalicelib.order import events
from chalicelib.order.model import pricing
from chalicelib.order.model.allocation import Shelf, now_so, share_out
from chalicelib.order.model.number import TRIES, Taken, number_of
from chalicelib.order.model.order import Order, newly_placed
from chalicelib.order.model.pricing import Offer, Terms, TooMuch
from chalicelib.order.model.product import Product, offers_of
from chalicelib.order.model.quote import Quote, QuoteToday, Spent
from chalicelib.order.model.reservation import Lapsed
from chalicelib.order.model.shipping import method_of
from chalicelib.order.model.stock import Level, Movement, Short, Spot
from chalicelib.order.model.submission import (
    EMPTY,
    NO_QUOTE,
    QUOTE_EXPIRED,
    QUOTE_OF_ELSEWHERE,
    QUOTE_USED,
    TOO_MUCH,
    Claim,
    Reason,
    Rejection,
    Snapshot,
    Submission,
    SubmittedLine,
    not_sold,
    out_of_stock,
    price_changed,
    voucher_lapsed,
    voucher_used_up,
)
from chalicelib.order.model.voucher import UsedUp
from chalicelib.order.quotes import quoted
from souk.errors import Unavailable
from souk.events import Event
from souk.markets import market_of


class Products(Protocol):
    """The replica of the products, and the snapshots that orders are priced from."""

    def by_id(self, ids: Collection[str]) -> list[Product]:
        """Return these products, as far as they are known."""

    def snapshot(self, order_id: str) -> Snapshot | None:
        """Return the snapshot of an order, if there is one."""

    def keep_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Keep a snapshot under its order's id and return what is kept: the first one wins."""


class PlacingBooks(Protocol):
    """Quotes, stock, vouchers and orders in one transaction."""

    def quote(self, quote_id: str) -> QuoteToday | None:
        """Return a quote, with what is known now of the terms it was made under."""

    def claim(self, submission: Submission) -> Claim:
        """Claim the order id for ever, at the store's time, and the event that told of it."""

    def find(self, order_id: str) -> Order | Rejection | None:
        """Return what was decided."""

    def tell(self, *events: Event) -> None:
        """Put events into the outbox."""

    def trial(self) -> AbstractContextManager[None]:
        """Undo what is done inside when it raises; the claim stays."""

    def lock_goods(self, skus: Collection[str], *, quote_id: str | None) -> list[Shelf]:
        """Lock all rows of these SKUs, wherever they lie, in SKU order until the transaction ends.

        What is held for the quote is due.
        """

    def expire(self, spots: Collection[Spot], *, quote_id: str | None) -> Lapsed:
        """Release what is kept of the locked rows and whose time is up, and what is held for the quote."""

    def move(self, movements: Sequence[Movement]) -> list[Level]:
        """Move locked stock. Raises Short."""

    def use(self, codes: Collection[str]) -> None:
        """Use vouchers once more. Raises UsedUp."""

    def add_order(self, order: Order, *events: Event) -> None:
        """Keep a new order and its events, and commit. Raises Taken or Spent where another has its number or its quote."""

    def add_quote(self, quote: Quote) -> object:
        """Keep a new quote."""

    def hand_on(self, quote_id: str, *, to: str, skus: Collection[str]) -> None:
        """Let what is held of these SKUs for a quote be held for another one, of them, that takes its place."""

    def add_rejection(self, rejection: Rejection, *events: Event) -> None:
        """Keep the reasons for which a claimed submission is turned down."""


Open = Callable[[], AbstractContextManager[PlacingBooks]]


class Unsold(msgspec.Struct, frozen=True):
    """Why a submission cannot be priced."""

    reasons: list[Reason]


def place(submission: Submission, *, products: Products, reading: Open, books: Open) -> Order | Rejection | None:
    """Decide on a submission; None when it has been decided before: asked by another event, we tell the verdict again.

    Raises Unavailable when our replica is older than what the shopper saw: the products' events are still on the way.
    """
    with reading() as kept:
        earlier = kept.quote(submission.quote_id)
    priced = _priced(submission, earlier, products)
    with books() as tx:
        claim = tx.claim(submission)
        if (now := claim.at) is None:
            _tell_again(tx, submission, claim)
            return None
        if earlier is None or isinstance(priced, Unsold):
            return _turn_down(tx, submission, priced.reasons if isinstance(priced, Unsold) else [NO_QUOTE], now)
        return _decide(tx, submission, earlier.quote, priced, now)


def _decide(
    tx: PlacingBooks, submission: Submission, quote: Quote, priced: Snapshot, now: datetime
) -> Order | Rejection:
    if reasons := _objections(submission, quote, priced):
        return _offer_anew(tx, submission, reasons, now, quote=quote, priced=priced)
    try:
        return _numbered(tx, _order(submission, quote, priced, now), now)
    except Short as short:
        return _turn_down(tx, submission, _shortages(submission, short), now)
    except UsedUp as gone:
        left = priced.without(gone.codes)
        reasons = [*(voucher_used_up(code) for code in gone.codes), *_another_total(submission, left)]
        return _offer_anew(tx, submission, reasons, now, quote=quote, priced=left)
    except Spent:
        return _offer_anew(tx, submission, [QUOTE_USED], now, quote=quote, priced=priced)


def _offer_anew(
    tx: PlacingBooks,
    submission: Submission,
    reasons: Sequence[Reason],
    now: datetime,
    *,
    quote: Quote,
    priced: Snapshot,
) -> Rejection:
    """Turn down, with a new quote of what it costs now for the same recipient."""
    offered = quoted(priced.bill, quote.recipient, now=now)
    tx.add_quote(offered)
    tx.hand_on(quote.id, to=offered.id, skus=offered.wanted)
    return _turn_down(tx, submission, reasons, now, quote_id=offered.id)


def _tell_again(tx: PlacingBooks, submission: Submission, claim: Claim) -> None:
    found = tx.find(submission.order_id) if claim.fresh else None
    if found is not None:
        tx.tell(events.order_placed(found) if isinstance(found, Order) else events.order_rejected(found))


def _priced(submission: Submission, earlier: QuoteToday | None, products: Products) -> Snapshot | Unsold:
    """Return the snapshot that the order is priced from: the stored one if there is one, whatever happened since."""
    if not submission.lines:
        return Unsold([EMPTY])
    if earlier is None:
        return Unsold([NO_QUOTE])
    if earlier.quote.bill.market != submission.market:
        return Unsold([QUOTE_OF_ELSEWHERE])
    known = {one.id: one for one in products.by_id({line.product_id for line in submission.lines})}
    offers = offers_of(known.values(), submission.market)
    behind = [one for one in submission.lines if _is_behind(known.get(one.product_id), one)]
    unsold = [one for one in submission.lines if one.sku not in offers or offers[one.sku].product_id != one.product_id]
    if (behind or unsold) and (stored := products.snapshot(submission.order_id)) is not None:
        return stored
    if behind:
        raise Unavailable(f"what is known of {behind[0].sku} is older than what the shopper saw", retry_after=5)
    if unsold:
        return Unsold([not_sold(one.sku) for one in unsold])
    return _kept(submission, earlier, offers, products)


def _kept(
    submission: Submission, earlier: QuoteToday, offers: Mapping[str, Offer], products: Products
) -> Snapshot | Unsold:
    try:
        return products.keep_snapshot(_snapshot(submission, earlier, offers))
    except TooMuch:
        return Unsold([TOO_MUCH])


def _is_behind(known: Product | None, line: SubmittedLine) -> bool:
    return known is None or known.version < line.product_version


def _snapshot(submission: Submission, earlier: QuoteToday, offers: Mapping[str, Offer]) -> Snapshot:
    """Price a submission under the terms of this moment; vouchers are those that applied when it was submitted."""
    wishes, market = submission.wishes(), market_of(submission.market)
    goods = pricing.goods_of(wishes, offers, currency=market.currency)
    terms = Terms(
        method=method_of(earlier.quote.bill.shipping_method, earlier.known.rates.country),
        rates=earlier.known.rates,
        vouchers=tuple(
            one
            for one in earlier.known.vouchers
            if one.objection(goods=goods, market=market.code, at=submission.submitted_at) is None
        ),
    )
    bill = pricing.bill(wishes, offers, market=market, terms=terms)
    used = tuple(offers[line.sku] for line in bill.lines)
    return Snapshot(order_id=submission.order_id, offers=used, terms=terms, bill=bill)


def _objections(submission: Submission, quote: Quote, priced: Snapshot) -> list[Reason]:
    """Return why the price is in the way. A quote has to be open when the cart is submitted, not when we hear of it."""
    reasons = [] if quote.is_open_at(submission.submitted_at) else [QUOTE_EXPIRED]
    reasons += [voucher_lapsed(code) for code in quote.bill.codes if code not in priced.bill.codes]
    return [*reasons, *_another_total(submission, priced)]


def _another_total(submission: Submission, priced: Snapshot) -> list[Reason]:
    accepted, due = submission.accepted_total, priced.bill.totals.total
    return [] if due == accepted else [price_changed(accepted, due)]


def _order(submission: Submission, quote: Quote, priced: Snapshot, now: datetime) -> Order:
    return newly_placed(
        submission.order_id,
        priced.bill,
        quote.recipient,
        number=number_of(submission.order_id),
        cart_id=submission.cart_id,
        attempt=submission.attempt,
        customer_id=submission.customer_id,
        quote_id=quote.id,
        snapshot_hash=priced.digest(),
        now=now,
    )


def _numbered(tx: PlacingBooks, order: Order, now: datetime) -> Order:
    """Take and keep, or neither; under another number where another order has this one. Raises Short, UsedUp, Spent."""
    for nth in range(TRIES):
        with suppress(Taken), tx.trial():
            return _take(tx, replace(order, number=number_of(order.id, nth)), now)
    raise Unavailable("no number is free")


def _take(tx: PlacingBooks, order: Order, now: datetime) -> Order:
    """Take stock and vouchers for an order and keep it. Raises Short, saying what is available, UsedUp, Spent."""
    wanted = {line.sku: line.quantity for line in order.lines}
    shelves = tx.lock_goods(wanted, quote_id=order.quote_id)
    lapsed = tx.expire([one.level.spot for one in shelves if one.due], quote_id=order.quote_id)
    kept = order.keeping(share_out(wanted, now_so(shelves, lapsed.levels), today=now.date()))
    moved = tx.move(kept.taken())
    tx.use([one.code for one in kept.vouchers])
    told = events.stock_moved(kept.taken(), moved, now, freed=lapsed.levels)
    lost = [events.order_lapsed(one, now) for one in lapsed.orders]
    tx.add_order(kept, events.order_placed(kept), *lost, *told)
    return kept


def _shortages(submission: Submission, short: Short) -> list[Reason]:
    asked = {wish.sku: wish.quantity for wish in submission.wishes()}
    lacking = sorted(short.missing)
    return [out_of_stock(one.sku, asked=asked[one.sku], available=short.available.get(one, 0)) for one in lacking]


def _turn_down(
    tx: PlacingBooks, submission: Submission, reasons: Sequence[Reason], now: datetime, *, quote_id: str | None = None
) -> Rejection:
    rejection = Rejection(
        order_id=submission.order_id,
        cart_id=submission.cart_id,
        attempt=submission.attempt,
        customer_id=submission.customer_id,
        reasons=tuple(reasons),
        quote_id=quote_id,
        decided_at=now,
    )
    tx.add_rejection(rejection, events.order_rejected(rejection))
    return rejection
