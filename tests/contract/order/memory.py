"""The order service's books and replica in memory: what unit tests use, held to the same contract as the real stores."""

import copy
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from chalicelib.order.model.allocation import Shelf
from chalicelib.order.model.hold import Fate, Held, Holding
from chalicelib.order.model.listing import Filter, Place, Summary
from chalicelib.order.model.number import Taken
from chalicelib.order.model.order import Cause, Order, Status
from chalicelib.order.model.pricing import Known
from chalicelib.order.model.product import Product
from chalicelib.order.model.quote import Quote, Recalled, Spent
from chalicelib.order.model.reservation import Hold, Lapsed, LapsedOrder, Reservation
from chalicelib.order.model.stock import LOCATION, LedgerEntry, Level, Movement, Short, Site, Spot, Why, moved
from chalicelib.order.model.submission import Claim, Rejection, Snapshot, Submission
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.model.voucher import Use, UsedUp, Voucher
from souk.clock import utcnow
from souk.errors import Missing, Refused
from souk.events import Event


class MemoryBooks:
    """Quotes, stock and orders of a shop."""

    def __init__(self) -> None:
        self.rows: dict[Spot, Level] = {}
        self.ranks = {LOCATION: 0}
        self.holds: list[Held] = []
        self.ledger: list[Movement] = []
        self.quotes: dict[str, Quote] = {}
        self.claimed: dict[str, Submission] = {}
        self.heard: set[str] = set()
        self.orders: dict[str, Order] = {}
        self.rejections: dict[str, Rejection] = {}
        self.events: list[Event] = []
        self.rates: dict[str, TaxRates] = {"US": TaxRates(country="US", standard=800, reduced=200, version=1)}
        self.codes: dict[str, Voucher] = {}
        self.clock = utcnow

    @contextmanager
    def trial(self) -> Iterator[None]:
        before = copy.copy(self.__dict__)
        self.__dict__.update({name: copy.copy(value) for name, value in before.items() if name != "clock"})
        try:
            yield
        except Exception:
            self.__dict__.update(before)
            raise

    def now(self) -> datetime:
        return self.clock()

    def turn(self, holder: str) -> datetime:  # noqa: ARG002 - nobody else is here
        return self.clock()

    def tell(self, *events: Event) -> None:
        self.events = [*self.events, *events]

    def open_rows(self, spots: Collection[Spot]) -> None:
        for spot in (one for one in spots if one.location in self.ranks):
            fresh: dict[str, Any] = {"on_hand": 0, "reserved": 0, "backorder": 0, "version": 0}
            self.rows.setdefault(spot, Level(sku=spot.sku, location=spot.location, **fresh, changed_at=self.now()))

    def lock(self, spots: Collection[Spot]) -> list[Level]:
        return [self.rows[spot] for spot in sorted(set(spots)) if spot in self.rows]

    def goods(self, skus: Collection[str]) -> list[Shelf]:
        return self.lock_goods(skus)

    def lock_goods(self, skus: Collection[str]) -> list[Shelf]:
        return [
            Shelf(level=self.rows[spot], rank=self.ranks[spot.location])
            for spot in sorted(self.rows)
            if spot.sku in skus
        ]

    def sites(self) -> list[Site]:
        known = [
            Site(code=code, name=code, rank=rank, version=1, changed_at=self.now()) for code, rank in self.ranks.items()
        ]
        return sorted(known, key=lambda site: (site.rank, site.code))

    def add_site(self, site: Site) -> bool:
        fresh = site.code not in self.ranks
        self.ranks = {site.code: site.rank} | self.ranks
        return fresh

    def agree(self, level: Level) -> None:
        self.rows[level.spot] = level

    def move(self, movements: Sequence[Movement]) -> list[Level]:
        by_spot: dict[Spot, list[Movement]] = {}
        for movement in movements:
            by_spot.setdefault(movement.spot, []).append(movement)
        if missing := by_spot.keys() - self.rows.keys():
            raise Short(missing)
        levels = [moved(self.rows[spot], by_spot[spot], self.now()) for spot in sorted(by_spot)]
        self.rows |= {level.spot: level for level in levels}
        self.ledger = [*self.ledger, *movements]
        return levels

    def level(self, spot: Spot) -> Level:
        if spot not in self.rows:
            raise Missing(f"there is no stock of {spot.sku}")
        return self.rows[spot]

    def levels(self, *, after: Spot, limit: int, text: str | None) -> list[Level]:
        spots = [spot for spot in sorted(self.rows) if spot > after and spot.sku.startswith(text or "")]
        return [self.rows[spot] for spot in spots[:limit]]

    def changed(self, *, since: datetime, after: Spot, limit: int) -> list[Level]:
        spots = [spot for spot in sorted(self.rows) if spot > after and self.rows[spot].changed_at >= since]
        return [self.rows[spot] for spot in spots[:limit]]

    def entries(self, spot: Spot, *, before: int | None, limit: int) -> list[LedgerEntry]:
        numbered = [
            (n, one) for n, one in enumerate(self.ledger, 1) if one.spot == spot and (before is None or n < before)
        ]
        return [_entry(n, one, self.now()) for n, one in reversed(numbered)][:limit]

    def add_quote(self, quote: Quote, *, under: TaxRates | None = None) -> bool:
        country = quote.recipient.shipping_address.country
        if under is not None and under.version != self.rates.get(country, TaxRates(country=country)).version:
            return False
        self.quotes[quote.id] = quote
        return True

    def quote(self, quote_id: str) -> Recalled | None:
        found = self.quotes.get(quote_id)
        if found is None:
            return None
        return Recalled(found, self.terms(found.recipient.shipping_address.country, found.bill.codes))

    def terms(self, country: str, codes: Collection[str]) -> Known:
        rates = self.rates.get(country, TaxRates(country=country))
        return Known(rates=rates, vouchers=tuple(self.codes[code] for code in sorted(codes) if code in self.codes))

    def tax_rates(self) -> list[TaxRates]:
        return [self.rates[country] for country in sorted(self.rates)]

    def tax_rates_for_change(self, country: str) -> TaxRates:
        return self.rates.setdefault(country, TaxRates(country=country))

    def set_tax_rates(self, rates: TaxRates) -> None:
        self.rates[rates.country] = rates

    def add_voucher(self, voucher: Voucher) -> None:
        if voucher.code in self.codes:
            raise Refused("there is a voucher with that code", code="voucher-taken")
        self.codes[voucher.code] = voucher

    def voucher(self, code: str) -> Voucher:
        if code not in self.codes:
            raise Missing("there is no such voucher")
        return self.codes[code]

    def voucher_for_change(self, code: str) -> Voucher:
        return self.voucher(code)

    def change_voucher(self, voucher: Voucher) -> None:
        self.codes[voucher.code] = voucher

    def vouchers(self, *, after: str, limit: int, text: str | None) -> list[Voucher]:
        codes = [code for code in sorted(self.codes) if code > after and code.startswith(text or "")]
        return [self.codes[code] for code in codes[:limit]]

    def use(self, codes: Collection[str]) -> None:
        if gone := {code for code in codes if self.codes[code].is_used_up}:
            raise UsedUp(gone)
        self._count(codes, 1)

    def _count(self, codes: Collection[str], uses: int) -> None:
        self.codes |= {code: replace(self.codes[code], used=self.codes[code].used + uses) for code in codes}

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

    def due(self, limit: int) -> list[Spot]:
        spots = {one.spot for _, one in self._overdue()} | {one.spot for one in self.holds if self._is_over(one, None)}
        return sorted(spots)[:limit]

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
        return Lapsed(levels=tuple(self.move(freed)), orders=tuple(cancelled))

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


def _entry(number: int, movement: Movement, at: datetime) -> LedgerEntry:
    shared = {
        name: getattr(movement, name)
        for name in ("on_hand", "reserved", "backorder", "why", "order_id", "quote_id", "note", "by")
    }
    return LedgerEntry(id=number, **shared, at=at)


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


class MemoryReplica:
    """Products and snapshots."""

    def __init__(self) -> None:
        self.products: dict[str, Product] = {}
        self.snapshots: dict[str, Snapshot] = {}

    def keep(self, product: Product) -> None:
        known = self.products.get(product.id)
        if known is None:
            self.products[product.id] = product
        elif known.version < product.version:
            fresh = product if product.sold else replace(known, version=product.version, sold=False)
            self.products[product.id] = fresh

    def with_skus(self, skus: Collection[str]) -> list[Product]:
        return [one for one in self.products.values() if any(sku.sku in skus for sku in one.skus)]

    def by_id(self, ids: Collection[str]) -> list[Product]:
        return [self.products[one] for one in ids if one in self.products]

    def snapshot(self, order_id: str) -> Snapshot | None:
        return self.snapshots.get(order_id)

    def keep_snapshot(self, snapshot: Snapshot) -> Snapshot:
        return self.snapshots.setdefault(snapshot.order_id, snapshot)
