"""The doors of the order service: quotes, orders and their fulfilment, stock, vouchers, taxes."""

from collections.abc import Callable
from datetime import datetime

from chalicelib.order import (
    expiry,
    fulfilment,
    holds,
    live,
    locations,
    management,
    placing,
    quotes,
    replica,
    stock,
    taxes,
    vouchers,
)
from chalicelib.order.events import (
    CartSubmitted,
    ProductPublished,
    ProductRecovered,
    ProductTrashed,
    ProductUnpublished,
)
from chalicelib.order.fulfilment import PaymentWish, ShipmentWish
from chalicelib.order.locations import NewSite, SiteChange
from chalicelib.order.management import OrderQuery
from chalicelib.order.model.listing import Summary
from chalicelib.order.model.order import Order
from chalicelib.order.model.shipping import methods_to
from chalicelib.order.model.stock import Site
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.model.voucher import Voucher
from chalicelib.order.quotes import MarketQuery, QuoteWish
from chalicelib.order.stock import Adjustment, Count, LedgerQuery, LocationQuery, StockQuery, StockTerms
from chalicelib.order.store.books import Books
from chalicelib.order.taxes import RatesWish
from chalicelib.order.views.orders import OrderView
from chalicelib.order.views.quotes import HoldView, MethodView, QuoteView
from chalicelib.order.views.stock import LedgerView, StockView
from chalicelib.order.vouchers import NewVoucher, VoucherEdit, VoucherQuery
from souk import health, records
from souk.clock import utcnow
from souk.events import Event
from souk.http import Admits, Answer, Souk, Takes, created
from souk.markets import market_of
from souk.paging import Page
from souk.waiting import ROOM, Full, applied

app = Souk("order")


@app.route("/shipping-methods")
def list_shipping_methods(query: MarketQuery) -> Page[MethodView]:
    """List the ways to ship in a market, or to one of its countries."""
    currency = market_of(query.market).currency
    return Page([MethodView.of(method, currency) for method in methods_to(query.country)])


@app.route("/quotes", methods=["POST"], status=201, takes=Takes.KEY)
def quote(body: QuoteWish) -> QuoteView:
    """Price lines with shipping and tax: the total that a submitted cart accepts."""
    with live.deciding(keyed=app.attempt is not None) as books:

        def decide() -> QuoteView:
            made = quotes.quote(body, now=utcnow(), products=live.replica, quotes=books, remembered=live.rates)
            shares = stock.outlook(made.quote.wanted, made.shelves, today=made.quote.made_at.date())
            return QuoteView.of(made.quote, shares)

        return app.once(books.attempts, decide)


@app.route("/quotes/{quote_id}/reservation", methods=["PUT"])
def hold_stock(quote_id: str) -> HoldView:
    """Hold stock for whoever checks out by a quote, for a while and once; the order that names the quote takes it over.

    Nothing is promised beyond that while: when it is over, the stock is anybody's.
    """
    holder, bounds = app.where_from, live.bounds()
    with live.books() as books:
        return HoldView.of(quote_id, holds.hold(quote_id, holder=holder, bounds=bounds, books=books))


@app.route("/quotes/{quote_id}/reservation", methods=["DELETE"], status=204)
def give_back_stock(quote_id: str) -> None:
    """Give back what is held for a quote."""
    with live.books() as books:
        holds.give_back(quote_id, books=books)


@app.route("/orders", permission="orders:read", admits=Admits.CUSTOMER)
def list_orders(query: OrderQuery) -> Page[Summary]:
    """List orders, newest first: all of them to staff, to customers their own."""
    with live.reading() as books:
        return management.listed(query, by=app.caller, orders=books)


@app.route(
    "/orders/{order_id}", permission="orders:read", admits=Admits.CUSTOMER | Admits.ORDER_HOLDER, takes=Takes.WAIT
)
def read_order(order_id: str) -> Answer[OrderView]:
    """Show an order to staff, its customer or the holder of its token; `pending`, at version 0, until it is decided.

    With `If-None-Match` and `Prefer: wait=10` the answer comes when the order is another one than was seen, or 304 when
    the time is up. Where too many wait already it comes at once, without `Preference-Applied` and with `Retry-After`.
    """
    seconds = app.preferences.wait(app.longest_wait) if app.is_conditional else 0
    if not seconds:
        return Answer(_read(order_id))
    try:
        with live.bells.at(order_id) as bell:
            found = ROOM.until(lambda: _unseen(order_id), seconds=seconds, bell=bell)
    except Full as full:
        return Answer(_read(order_id), headers={"Retry-After": str(full.retry_after), "Vary": "Prefer"})
    return Answer(found or _read(order_id), headers=applied(f"wait={seconds}"))


def _unseen(order_id: str) -> OrderView | None:
    """Return an order if it is another one than was seen; who waits for the decision asks for all of it at once."""
    if not app.has_seen('"0"') and app.has_seen(f'"{_version(order_id)}"'):
        return None
    found = _read(order_id)
    return None if app.has_seen(f'"{found.version}"') else found


def _read(order_id: str) -> OrderView:
    with live.reading() as books:
        return OrderView.of(management.read(order_id, by=app.caller, orders=books), order_id, by=app.caller)


def _version(order_id: str) -> int:
    with live.reading() as books:
        return management.version(order_id, by=app.caller, orders=books)


@app.route(
    "/orders/{order_id}/cancellation",
    methods=["POST"],
    permission="orders:write",
    admits=Admits.CUSTOMER,
    takes=Takes.KEY,
)
def cancel_order(order_id: str) -> OrderView:
    """Cancel an order of which nothing has been shipped."""
    return _changed(order_id, lambda books, at: management.cancel(order_id, by=app.origin, now=at, books=books))


@app.route("/orders/{order_id}/payments", methods=["POST"], status=201, permission="orders:write", takes=Takes.KEY)
def pay_order(order_id: str, body: PaymentWish) -> OrderView:
    """Note that an order was paid."""
    return _changed(order_id, lambda books, at: fulfilment.pay(order_id, body, by=app.origin, now=at, books=books))


@app.route("/orders/{order_id}/shipments", methods=["POST"], status=201, permission="orders:write", takes=Takes.KEY)
def ship_order(order_id: str, body: ShipmentWish) -> OrderView:
    """Note that an order, or a part of it, was shipped."""
    return _changed(order_id, lambda books, at: fulfilment.ship(order_id, body, by=app.origin, now=at, books=books))


@app.route(
    "/orders/{order_id}/shipments/{shipment_id}/delivery", methods=["POST"], permission="orders:write", takes=Takes.KEY
)
def deliver_shipment(order_id: str, shipment_id: str) -> OrderView:
    """Note that a shipment arrived."""
    return _changed(
        order_id,
        lambda books, at: fulfilment.deliver(order_id, shipment_id, by=app.origin, now=at, books=books),
    )


@app.route("/stock", permission="stock:read")
def list_stock(query: StockQuery) -> Page[StockView]:
    """List stock in SKU order."""
    with live.reading() as books:
        return stock.listed(query, stock=books).map(StockView.of)


@app.route("/stock/{sku}", permission="stock:read")
def read_stock(sku: str, query: LocationQuery) -> StockView:
    """Show how much of a SKU there is."""
    with live.reading() as books:
        return StockView.of(stock.read(sku, query.location, stock=books))


@app.route("/stock/{sku}", methods=["PUT"], permission="stock:write", takes=Takes.VERSION)
def set_stock(sku: str, body: Count) -> StockView:
    """Set stock to what was counted; `If-Match: "0"` for a SKU that has none so far."""
    seen, by = app.if_match, app.origin
    with live.books() as books:
        return StockView.of(stock.count(sku, body, seen=seen, by=by, now=utcnow(), stock=books))


@app.route("/stock/{sku}", methods=["PATCH"], permission="stock:write", takes=Takes.VERSION)
def agree_stock(sku: str, body: StockTerms) -> StockView:
    """Say how many may be promised beyond what is there, when more comes or it is out, and when it counts as low."""
    seen, by = app.if_match, app.origin
    with live.books() as books:
        return StockView.of(stock.agree(sku, body, seen=seen, by=by, now=utcnow(), stock=books))


@app.route("/locations", permission="stock:read")
def list_locations() -> Page[Site]:
    """List where stock lies: orders take from the first that has what they want."""
    with live.reading() as books:
        return Page(books.sites())


@app.route("/locations/{code}", permission="stock:read")
def read_location(code: str) -> Site:
    """Show a location."""
    with live.reading() as books:
        return books.site(code)


@app.route("/locations", methods=["POST"], status=201, permission="stock:write", takes=Takes.KEY)
def add_location(body: NewSite) -> Answer[Site]:
    """Open a location."""
    by = app.origin
    with live.books() as books:

        def decide() -> Answer[Site]:
            added = locations.add(body, by=by, now=utcnow(), sites=books)
            return created(added, f"/order/locations/{added.code}")

        return app.once(books.attempts, decide)


@app.route("/locations/{code}", methods=["PATCH"], permission="stock:write", takes=Takes.VERSION)
def change_location(code: str, body: SiteChange) -> Site:
    """Call a location something else, or rank it anew."""
    seen, by = app.if_match, app.origin
    with live.books() as books:
        return locations.change(code, body, seen=seen, by=by, now=utcnow(), sites=books)


@app.route("/stock/{sku}/adjustments", permission="stock:read")
def list_adjustments(sku: str, query: LedgerQuery) -> Page[LedgerView]:
    """List why stock of a SKU is what it is, newest first: what staff adjusted and what orders took and gave back."""
    with live.reading() as books:
        return stock.ledger(sku, query, stock=books).map(LedgerView.of)


@app.route("/stock/{sku}/adjustments", methods=["POST"], status=201, permission="stock:write", takes=Takes.KEY)
def adjust_stock(sku: str, body: Adjustment) -> StockView:
    """Add to stock or take from it, and say why; a SKU that has none so far gets some."""
    by = app.origin
    with live.books() as books:

        def decide() -> StockView:
            return StockView.of(stock.adjust(sku, body, by=by, now=utcnow(), stock=books))

        return app.once(books.attempts, decide)


@app.route("/vouchers", permission="vouchers:read")
def list_vouchers(query: VoucherQuery) -> Page[Voucher]:
    """List vouchers in the order of their codes."""
    with live.reading() as books:
        return vouchers.listed(query, vouchers=books)


@app.route("/vouchers", methods=["POST"], status=201, permission="vouchers:write", takes=Takes.KEY)
def create_voucher(body: NewVoucher) -> Answer[Voucher]:
    """Make a voucher: so much off the goods, for so many orders."""
    by = app.origin
    with live.books() as books:

        def decide() -> Answer[Voucher]:
            made = vouchers.create(body, by=by, now=utcnow(), vouchers=books)
            return created(made, f"/order/vouchers/{made.code}")

        return app.once(books.attempts, decide)


@app.route("/vouchers/{code}", permission="vouchers:read")
def read_voucher(code: str) -> Voucher:
    """Show a voucher and how many orders used it."""
    with live.reading() as books:
        return vouchers.read(code, vouchers=books)


@app.route("/vouchers/{code}", methods=["PATCH"], permission="vouchers:write", takes=Takes.VERSION)
def edit_voucher(code: str, body: VoucherEdit) -> Voucher:
    """Change a voucher, or end it: `valid_until` says when. If-Match says which version was seen."""
    seen, by = app.if_match, app.origin
    with live.books() as books:
        return vouchers.edit(code, body, seen=seen, by=by, now=utcnow(), vouchers=books)


@app.route("/tax-rates", permission="taxes:read")
def list_tax_rates() -> Page[TaxRates]:
    """List the rates of tax by country."""
    with live.reading() as books:
        return Page(books.tax_rates())


@app.route("/tax-rates/{country}", methods=["PUT"], permission="taxes:write", takes=Takes.VERSION)
def set_tax_rates(country: str, body: RatesWish) -> TaxRates:
    """Set a country's rates of tax; `If-Match: "0"` for a country that has none so far."""
    seen, by = app.if_match, app.origin
    with live.books() as books:
        return taxes.set_rates(country, body, seen=seen, by=by, now=utcnow(), taxes=books)


@app.consumer("order-submissions", CartSubmitted)
def place_order(event: Event, fact: CartSubmitted) -> None:
    """Decide on a submitted cart."""
    placing.place(fact.submission(event), products=live.replica, reading=live.reading, books=live.books)


@app.consumer("order-products", ProductPublished, ProductUnpublished, ProductTrashed, ProductRecovered)
def keep_product(event: Event, fact: ProductPublished | ProductUnpublished) -> None:
    """Keep the replica of the products up to date."""
    replica.keep(event, fact, products=live.replica)


@app.every(1)
def expire_reservations() -> None:
    """Give back to stock what was not paid in time."""
    expiry.sweep(books=live.books)


@app.every(60)
def sweep_order() -> None:
    """Remove what has been kept long enough: claims, answers, old quotes."""
    records.sweep(live.database)
    with live.reading() as books:
        books.forget_quotes()
        books.forget_holds()


def _changed(order_id: str, change: Callable[[Books, datetime], Order]) -> OrderView:
    """Answer with what a change makes of an order; the same again for the same Idempotency-Key."""
    with live.books() as books:
        return app.once(books.attempts, lambda: OrderView.of(change(books, utcnow()), order_id, by=app.caller))


health.add_doors(app, {"postgres": live.database.ping, "mongo": live.documents.ping})
app.refuse_the_rest()
