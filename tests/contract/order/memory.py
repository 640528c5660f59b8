"""The order service's books in memory: what unit tests use, held to the same contract as the real stores."""

import copy
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from contract.order.memory_stock import MemoryStock
from contract.order.memory_terms import MemoryTerms
from msgspec.structs import replace

from chalicelib.order.model.allocation import Shelf
from chalicelib.order.model.hold import Fate, Held, Holding
from chalicelib.order.model.listing import Filter, Place, Summary
from chalicelib.order.model.number import Taken
from chalicelib.order.model.order import Cause, Order, Status
from chalicelib.order.model.quote import Quote, Spent
from chalicelib.order.model.reservation import Hold, Lapsed, LapsedOrder, Reservation
from chalicelib.order.model.stock import Discrepancy, Movement, Short, Spot, Why
from chalicelib.order.model.submission import Claim, Rejection, Submission
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.model.voucher import Use
from souk.errors import Missing, Refused, Unavailable
from souk.events import Event


class MemoryBooks(MemoryStock, MemoryTerms):
    """Quotes, stock and orders of a shop."""

    def __init__(self) -> None:
        super().__init__()
        self.most = 1_000  # rows of stock of which it releases at once what is due
        self.holds: list[Held] = []
        self.claimed: dict[str, Submission] = {}
        self.heard: set[str] = set()
        self.orders: dict[str, Order] = {}
        self.rejections: dict[str, Rejection] = {}
        self.events: list[Event] = []

    @contextmanager
    def trial(self) -> Iterator[None]:
        before = copy.copy(self.__dict__)
        self.__dict__.update({name: copy.copy(value) for name, value in before.items() if name != "clock"})
        try:
            yield
        except Exception:
            self.__dict__.update(before)
            raise

    def tell(self, *events: Event) -> None:
        self.events = [*self.events, *events]

    def _let_go(self, before: Order, after: Order) -> None:
        """Take off the count at once what PostgreSQL leaves to whoever uses the voucher next."""
        kept = {one.code for one in after.vouchers if one.state is Use.USED}
        self._count([one.code for one in before.vouchers if one.state is Use.USED and one.code not in kept], -1)

    def claim(self, submission: Submission) -> Claim:
        fresh = submission.event_id not in self.heard
        self.heard.add(submission.event_id)
        if submission.order_id in self.claimed:
            return Claim(at=None, fresh=fresh)
        self.claimed[submission.order_id] = submission
        return Claim(at=self.now(), fresh=fresh)

    def add_quote(self, quote: Quote, *, under: TaxRates | None = None) -> list[Shelf] | None:
        return self.lock_goods(quote.wanted) if self.keep_quote(quote, under) else None

    def add_order(self, order: Order, *events: Event) -> None:
        if any(one.number == order.number for one in self.orders.values()):
            raise Taken("another order has that number")
        if order.quote_id in {one.quote_id for one in self.orders.values()}:
            raise Spent("an order was placed with the quote before")
        self.orders[order.id] = order
        self.tell(*events)

    def add_rejection(self, rejection: Rejection, *events: Event) -> None:
        self.rejections[rejection.order_id] = rejection
        self.tell(*events)

    def due(self, limit: int, *, leaving: Collection[Spot] = ()) -> list[Spot]:
        spots = {one.spot for _, one in self._overdue()} | {one.spot for one in self.holds if self._is_over(one, None)}
        return sorted(spots.difference(leaving))[:limit]

    def _is_over(self, one: Held, quote_id: str | None) -> bool:
        return one.state is Fate.HELD and (one.held_until < self.now() or one.quote_id == quote_id)

    def holding(self, quote_id: str, holder: str) -> Holding:
        live = [one for one in self.holds if one.state is Fate.HELD and one.held_until >= self.now()]
        others = {one.quote_id for one in live if one.holder == holder and one.quote_id != quote_id}
        ordered = any(order.quote_id == quote_id for order in self.orders.values())
        held = tuple(one for one in self.holds if one.quote_id == quote_id)
        return Holding(held=held, ordered=ordered, others=len(others))

    def add_holds(self, holds: Sequence[Held]) -> None:
        self.holds = [*self.holds, *holds]

    def _end(self, gone: Collection[Held], fate: Fate) -> None:
        self.holds = [replace(one, state=fate) if one in gone else one for one in self.holds]

    def release(self, quote_id: str) -> list[Held]:
        gone = [one for one in self.holds if one.quote_id == quote_id and one.state is Fate.HELD]
        self._end(gone, Fate.RELEASED)
        return gone

    def hand_on(self, quote_id: str, *, to: str, skus: Collection[str]) -> None:
        given = [one for one in self.holds if one.quote_id == quote_id and one.state is Fate.HELD and one.sku in skus]
        self.holds = [replace(one, quote_id=to) if one in given else one for one in self.holds]

    def _overdue(self) -> list[tuple[Order, Reservation]]:
        now = self.now()
        return [
            (order, one)
            for order in self.orders.values()
            for one in order.reservations
            if one.state is Hold.HELD and one.held_until < now
        ]

    def expire(self, spots: Collection[Spot], *, quote_id: str | None = None) -> Lapsed:
        if len(spots) > self.most:
            raise Unavailable("that is more than is done in time")
        late = [(order, one) for order, one in self._overdue() if one.spot in spots]
        freed = [
            Movement(sku=one.sku, location=one.location, reserved=-one.quantity, why=Why.EXPIRED, order_id=order.id)
            for order, one in late
        ]
        over = [one for one in self.holds if one.spot in spots and self._is_over(one, quote_id)]
        for held in over:
            taken = held.quote_id == quote_id
            freed.append(replace(held.giving_back(), why=Why.RELEASED if taken else Why.EXPIRED))
            self._end([held], Fate.TAKEN if taken else Fate.EXPIRED)
        cancelled = []
        for order_id in sorted({order.id for order, _ in late}):
            order = self.orders[order_id]
            gone = {one for known, one in late if known.id == order_id}
            states = tuple(replace(one, state=Hold.EXPIRED) if one in gone else one for one in order.reservations)
            if order.status is Status.PLACED:
                kept = order
                order = replace(
                    order.move(Status.CANCELLED, self.now(), "shop"),
                    cause=Cause.EXPIRED,
                    vouchers=tuple(replace(one, state=Use.RELEASED) for one in order.vouchers),
                )
                self._let_go(kept, order)
                cancelled.append(LapsedOrder(id=order.id, customer_id=order.customer_id, version=order.version))
            self.orders[order_id] = replace(order, reservations=states)
        try:
            levels = tuple(self.move(freed))
        except Short as short:
            raise Discrepancy(short.missing) from short
        return Lapsed(levels=levels, orders=tuple(cancelled))

    def get(self, order_id: str) -> Order:
        if order_id not in self.orders:
            raise Missing("there is no such order")
        return self.orders[order_id]

    def save(self, order: Order, *events: Event) -> None:
        spent = {
            (payment.method, payment.reference)
            for one in self.orders.values()
            for payment in one.payments
            if one.id != order.id and payment.reference
        }
        if any((payment.method, payment.reference) in spent for payment in order.payments):
            raise Refused("a payment of that reference paid for another order", code="payment-spent")
        self._let_go(self.orders[order.id], order)
        self.orders[order.id] = order
        self.tell(*events)

    def find(self, order_id: str) -> Order | Rejection | None:
        return self.orders.get(order_id) or self.rejections.get(order_id)

    def recent(self, wanted: Filter, *, before: Place | None, limit: int) -> list[Summary]:
        orders = sorted(self.orders.values(), key=lambda order: (order.placed_at, order.id), reverse=True)
        fitting = (order for order in orders if before is None or (order.placed_at, order.id) < before)
        return [_summary(order) for order in fitting if _fits(order, wanted)][:limit]


def _fits(order: Order, wanted: Filter) -> bool:
    return (
        (wanted.customer_id in {None, order.customer_id})
        and (wanted.status in {None, order.status})
        and (wanted.since is None or order.placed_at >= wanted.since)
        and (wanted.until is None or order.placed_at < wanted.until)
        and order.number.startswith(wanted.text or "")
    )


def _summary(order: Order) -> Summary:
    return Summary(
        id=order.id,
        number=order.number,
        status=order.status,
        customer_id=order.customer_id,
        placed_at=order.placed_at,
        total=order.totals.total,
        items=sum(line.quantity for line in order.lines),
    )
