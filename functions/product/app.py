"""The doors of the product service."""

from chalicelib.product import indexing, listing, live, merging, products, publication, recommendation, search
from chalicelib.product.events import CategoryChanged, Changed, OrderPlaced, ProductTypeChanged, StockChanged
from chalicelib.product.model import Product
from chalicelib.product.products import Edit, NewProduct
from chalicelib.product.queries import (
    ItemQuery,
    ListingQuery,
    ProductsQuery,
    RecommendationsQuery,
    SearchQuery,
    SuggestionsQuery,
    VersionsQuery,
)
from chalicelib.product.views import Card, Cards, Item, ProductView, Recommendations, SearchPage, Suggestions
from souk import health
from souk.clock import utcnow
from souk.events import Event
from souk.http import Answer, Souk, Takes, created
from souk.markets import market_of
from souk.paging import Page
from souk.queues import Told

app = Souk("product")


@app.route("/listing")
def list_shelf(query: ListingQuery) -> Cards:
    """List the products on sale in a category and those below it."""
    wanted = query.wanted()
    found, degraded = listing.listed(wanted, index=live.index, documents=live.shelves)
    page = listing.paged(found, wanted.limit)
    cards = [Card.of(row.product, wanted.market) for row in page.items]
    return Cards(items=cards, next=page.next, degraded=degraded)


@app.route("/listing/{product}")
def show_item(product: str, query: ItemQuery) -> Answer[Item]:
    """Show a product on sale, by its id or its slug."""
    market = market_of(query.market).code
    found, degraded = listing.shown(product, documents=live.shelves, index=live.index)
    item = Item.of(found, market, degraded=degraded)
    return Answer(item, headers={"ETag": f'"{found.version}-{found.rev}"'})


@app.route("/search")
def search_products(query: SearchQuery) -> SearchPage:
    """Find products on sale by text, forgiving typos, narrowed by category, brand and price."""
    wanted = query.wanted()
    found, degraded = search.search(wanted, index=live.index, documents=live.shelves)
    page = listing.paged(found, wanted.limit)
    cards = [Card.of(row.product, wanted.market) for row in page.items]
    return SearchPage(items=cards, next=page.next, total=found.total, facets=found.facets, degraded=degraded)


@app.route("/suggestions")
def suggest(query: SuggestionsQuery) -> Suggestions:
    """Suggest products whose titles go on like what was typed."""
    found, degraded = search.suggestions(query.q, query.limit, index=live.index, documents=live.shelves)
    return Suggestions(items=found, degraded=degraded)


@app.route("/recommendations")
def recommend(query: RecommendationsQuery) -> Recommendations:
    """Recommend what was bought together with a product."""
    market = market_of(query.market).code
    found = recommendation.recommended(
        query.product, query.limit, purchases=live.purchases, shop=live.shelves, index=live.index
    )
    cards = [Card.of(product, market) for product in found.products]
    return Recommendations(items=cards, together=found.together, degraded=found.degraded)


@app.route("/products", methods=["POST"], status=201, permission="products:write", takes=Takes.KEY)
def create_product(body: NewProduct) -> Answer[ProductView]:
    """Make a product, as a draft."""

    def decide() -> Answer[ProductView]:
        made = products.create(
            body, by=app.origin, attempt=app.attempt, now=utcnow(), store=live.products, sources=live.sources
        )
        return created(_seen(made), f"/product/products/{made.id}")

    return app.once(live.answers, decide)


@app.route("/products", permission="products:read")
def list_products(query: ProductsQuery) -> Page[ProductView]:
    """List products in any state, newest first."""
    found = products.picked(
        query.wish(),
        after=query.after(),
        limit=query.limit,
        store=live.products,
        sources=live.sources,
        counters=live.counters,
    )
    return found.map(ProductView.of)


@app.route("/products/{product_id}", permission="products:read")
def read_product(product_id: str) -> ProductView:
    """Read a product in any state."""
    return _seen(live.products.get(product_id))


@app.route("/products/{product_id}", methods=["PATCH"], permission="products:write", takes=Takes.VERSION)
def edit_product(product_id: str, body: Edit) -> ProductView:
    """Change what is named; If-Match says which version was seen."""
    return _seen(
        products.edit(
            product_id,
            body,
            seen=app.if_match,
            by=app.origin,
            now=utcnow(),
            store=live.products,
            sources=live.sources,
        )
    )


@app.route("/products/{product_id}", methods=["DELETE"], permission="products:write", takes=Takes.VERSION)
def trash_product(product_id: str) -> ProductView:
    """Put a product in the trash, from which it can be recovered."""
    return _moved(publication.trash, product_id)


@app.route("/products/{product_id}/recovery", methods=["POST"], permission="products:write", takes=Takes.VERSION)
def recover_product(product_id: str) -> ProductView:
    """Take a product out of the trash, as a draft with the same id and SKUs."""
    return _moved(publication.recover, product_id)


@app.route("/products/{product_id}/publication", methods=["PUT"], permission="products:write", takes=Takes.VERSION)
def publish_product(product_id: str) -> ProductView:
    """Put a product on sale."""
    return _moved(publication.publish, product_id)


@app.route("/products/{product_id}/publication", methods=["DELETE"], permission="products:write", takes=Takes.VERSION)
def unpublish_product(product_id: str) -> ProductView:
    """Take a product off sale."""
    return _moved(publication.unpublish, product_id)


@app.route("/products/{product_id}/versions", permission="products:read")
def list_versions(product_id: str, query: VersionsQuery) -> Page[ProductView]:
    """List what a product is and what it was, newest first."""
    found = products.history(product_id, below=query.below(), limit=query.limit, store=live.products)
    return found.map(ProductView.of)


@app.consumer("product-categories", CategoryChanged)
def take_category(event: Event, fact: CategoryChanged) -> None:
    """Keep a category and tell it to its products."""
    category = fact.category(event.version)
    merging.merge_category(category, store=live.products, sources=live.sources, now=utcnow())


@app.consumer("product-types", ProductTypeChanged)
def take_product_type(event: Event, fact: ProductTypeChanged) -> None:
    """Keep a product type, to check attributes against."""
    live.sources.keep_product_type(fact.product_type(event.version))


@app.batch_consumer("product-stock", StockChanged)
def take_stock(told: Told[StockChanged]) -> None:
    """Keep the stock of SKUs and tell it to their products."""
    levels = [fact.stock(event.version) for event, fact in told]
    merging.merge_stock(levels, store=live.products, sources=live.sources, now=utcnow())


@app.batch_consumer("product-index", Changed)
def index_product(told: Told[Changed]) -> None:
    """Show the search index products as they are now."""
    indexing.index_products([fact.product_id for _, fact in told], store=live.products, index=live.index)


@app.batch_consumer("product-graph", OrderPlaced)
def count_together(told: Told[OrderPlaced]) -> None:
    """Count what was bought together, once per order."""
    live.purchases.count([fact.basket() for _, fact in told])


@app.batch_consumer("product-sales", OrderPlaced)
def count_sold(told: Told[OrderPlaced]) -> None:
    """Count what was sold, once per order."""
    live.counters.count([fact.receipt() for _, fact in told], utcnow())


def _moved(move: publication.Move, product_id: str) -> ProductView:
    return _seen(move(product_id, seen=app.if_match, by=app.origin, now=utcnow(), store=live.products))


def _seen(product: Product) -> ProductView:
    """Show staff a product as it is now."""
    return ProductView.of(products.as_now([product], sources=live.sources, counters=live.counters)[0])


health.add_doors(app, {"mongo": live.documents.ping, "search": live.search.ping, "graph": live.graph.ping})
app.refuse_the_rest()
