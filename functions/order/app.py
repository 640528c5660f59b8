"""The doors of the order service: quotes, orders and their fulfilment, stock."""

from chalicelib.order import live, placing, quotes, replica, stock
from chalicelib.order.events import (
    CartSubmitted,
    ProductPublished,
    ProductRecovered,
    ProductTrashed,
    ProductUnpublished,
)
from chalicelib.order.model.pricing import SHIPPING_METHODS, market_of
from chalicelib.order.quotes import MarketQuery, QuoteWish
from chalicelib.order.stock import Adjustment, Count, LocationQuery, StockQuery
from chalicelib.order.views import MethodView, QuoteView, StockView
from souk.audit import Origin
from souk.clock import utcnow
from souk.events import Event
from souk.http import Souk
from souk.paging import Page

app = Souk("order")


@app.route("/shipping-methods")
def list_shipping_methods(query: MarketQuery) -> Page[MethodView]:
    """List the ways to ship in a market."""
    currency = market_of(query.market).currency
    return Page([MethodView.of(method, currency) for method in SHIPPING_METHODS.values()])


@app.route("/quotes", methods=["POST"], status=201)
def quote(body: QuoteWish) -> QuoteView:
    """Price lines with shipping and tax: the total that a submitted cart accepts."""
    with live.deciding(keyed=app.attempt is not None) as books:

        def decide() -> QuoteView:
            return QuoteView.of(quotes.quote(body, now=utcnow(), products=live.replica, quotes=books))

        return app.once(books.attempts, decide)


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


@app.route("/stock/{sku}", methods=["PUT"], permission="stock:write")
def set_stock(sku: str, body: Count) -> StockView:
    """Set stock to what was counted; `If-Match: "0"` for a SKU that has none so far."""
    seen, origin = app.if_match, _origin()
    with live.books() as books:
        return StockView.of(stock.count(sku, body, seen=seen, origin=origin, now=utcnow(), stock=books))


@app.route("/stock/{sku}/adjustments", methods=["POST"], status=201, permission="stock:write")
def adjust_stock(sku: str, body: Adjustment) -> StockView:
    """Add to stock or take from it, and say why; a SKU that has none so far gets some."""
    origin = _origin()
    with live.books() as books:

        def decide() -> StockView:
            return StockView.of(stock.adjust(sku, body, origin=origin, now=utcnow(), stock=books))

        return app.once(books.attempts, decide)


@app.consumer("order-submissions", CartSubmitted)
def place_order(event: Event, fact: CartSubmitted) -> None:
    """Decide on a submitted cart."""
    placing.place(fact.submission(event.occurred_at), products=live.replica, reading=live.reading, books=live.books)


@app.consumer("order-products", ProductPublished, ProductUnpublished, ProductTrashed, ProductRecovered)
def keep_product(event: Event, fact: ProductPublished | ProductUnpublished) -> None:
    """Keep the replica of the products up to date."""
    replica.keep(event, fact, products=live.replica)


def _origin() -> Origin:
    return Origin(app.caller, app.client_ip)


app.health({"postgres": live.database.ping, "mongo": live.documents.ping})
app.refuse_the_rest()
