"""Bringing in stock and past orders from elsewhere, hundreds at a time; a repeated import changes nothing."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec.structs import replace

from chalicelib.order import events, live
from chalicelib.order.model import pricing
from chalicelib.order.model.number import number_of
from chalicelib.order.model.order import Entry, Order, Status
from chalicelib.order.model.pricing import Bill, Offer, Terms, Wish
from chalicelib.order.model.shipping import method_of
from chalicelib.order.model.stock import LOCATION, Location, Movement, Sku, Spot, Units, Why
from chalicelib.order.model.submission import Snapshot
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.store.books import Books
from souk.ids import id_of
from souk.markets import DEFAULT, market_of
from souk.money import Money
from souk.postgres import Database

METHOD = "pickup"  # what was bought over the counter was carried home


class StockCount(msgspec.Struct, frozen=True, kw_only=True):
    """So many of a SKU are on hand at a location."""

    sku: Sku
    on_hand: Units
    location: Location = LOCATION


class PastLine(msgspec.Struct, frozen=True, kw_only=True):
    """So many of a SKU were bought, at a price each."""

    sku: Sku
    product_id: str
    title: str
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    unit_price: Money


class PastOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order from elsewhere that is over; `key` is its name there, which a repeated import finds it by."""

    key: str
    customer_id: str | None
    placed_at: datetime
    lines: tuple[PastLine, ...]
    market: str = DEFAULT


def order_id(key: str) -> str:
    """Return the id that an imported order gets."""
    return id_of("order", id_of("cart", key), 1)


def import_stock(batch: Sequence[StockCount], *, database: Database = live.database) -> int:
    """Put on the shelf what has never been there; return how many rows that were.

    One transaction of a few statements and one stock.changed per row, however many rows.
    """
    counts = {Spot(one.sku, one.location): one.on_hand for one in batch}
    with database.transaction() as tx:
        books = Books(tx)
        books.open_rows(counts)
        fresh = [level.spot for level in books.lock(counts) if level.version == 0]
        levels = books.move([_arrival(spot, counts[spot]) for spot in fresh])
        books.tell(*events.stock_changed(levels, books.now()))
    return len(levels)


def import_orders(batch: Sequence[PastOrder], *, tell: bool = True, database: Database = live.database) -> int:
    """Keep past orders that are not here yet, as placed and delivered; return how many were new.

    They move no stock (what is counted today is what they left). They are told of as placed, so that whoever learns
    from orders learns from them; not so with `tell=False`, for whoever brings them to the others as well. One
    transaction of four statements, however many orders. Their tax is what the rates of today make of it.
    """
    with database.transaction() as tx:
        books = Books(tx)
        rates = {one.country: one for one in books.tax_rates()}
        orders = {one.id: one for one in (_past(past, rates) for past in batch)}
        fresh = books.add_past(list(orders.values()))
        if tell:
            told = books.now()  # the shop hears of them today, however long ago they were placed
            books.tell(*(replace(events.order_placed(orders[one]), occurred_at=told) for one in sorted(fresh)))
    return len(fresh)


def _arrival(spot: Spot, on_hand: int) -> Movement:
    return Movement(sku=spot.sku, location=spot.location, on_hand=on_hand, why=Why.IMPORTED)


def _past(past: PastOrder, rates: Mapping[str, TaxRates]) -> Order:
    terms = _terms(past, rates)
    bill = _bill(past, terms)
    known = order_id(past.key)
    snapshot = Snapshot(order_id=known, offers=(), terms=terms, bill=bill)
    return Order(
        id=known,
        number=number_of(known),
        status=Status.DELIVERED,
        cart_id=id_of("cart", past.key),
        attempt=1,
        market=past.market,
        customer_id=past.customer_id,
        quote_id=None,
        shipping_method=METHOD,
        snapshot_hash=snapshot.digest(),
        lines=tuple(replace(line, shipped=line.quantity) for line in bill.lines),
        totals=bill.totals,
        timeline=tuple(Entry(at=past.placed_at, what=what, by="shop") for what in ("placed", "delivered")),
        placed_at=past.placed_at,
        changed_at=past.placed_at,
    )


def _terms(past: PastOrder, rates: Mapping[str, TaxRates]) -> Terms:
    home = market_of(past.market).countries[0]
    return Terms(method=method_of(METHOD, home), rates=rates.get(home) or TaxRates(country=home))


def _bill(past: PastOrder, terms: Terms) -> Bill:
    market = market_of(past.market)
    asked: Counter[str] = Counter()
    for line in past.lines:
        asked[line.sku] += line.quantity
    return pricing.bill(
        [Wish(sku, quantity) for sku, quantity in asked.items()],
        {line.sku: _offer(line) for line in past.lines},
        market=market,
        terms=terms,
    )


def _offer(line: PastLine) -> Offer:
    return Offer(sku=line.sku, product_id=line.product_id, version=0, title=line.title, price=line.unit_price)
