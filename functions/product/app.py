"""The doors of the product service."""

from chalicelib.product import listing, live, products, publication
from chalicelib.product.products import Edit, NewProduct
from chalicelib.product.queries import ItemQuery, ListingQuery, ProductsQuery, VersionsQuery
from chalicelib.product.views import Card, Cards, Item, ProductView
from souk.audit import Origin
from souk.clock import utcnow
from souk.http import Answer, Souk, created
from souk.paging import Page

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
    market = listing.market(query.market)
    found, degraded = listing.shown(product, documents=live.shelves, index=live.index)
    item = Item.of(found, market, degraded=degraded)
    return Answer(item, headers={"ETag": f'"{found.version}-{found.rev}"'})


@app.route("/products", methods=["POST"], status=201, permission="products:write")
def create_product(body: NewProduct) -> Answer[ProductView]:
    """Make a product, as a draft."""

    def make() -> Answer[ProductView]:
        made = products.create(
            body, by=_origin(), attempt=app.attempt, now=utcnow(), store=live.products, sources=live.sources
        )
        return created(ProductView.of(made), f"/product/products/{made.id}")

    answer: Answer[ProductView] = app.once(live.answers, make)
    return answer


@app.route("/products", permission="products:read")
def list_products(query: ProductsQuery) -> Page[ProductView]:
    """List products in any state, newest first."""
    return products.picked(query.wish(), after=query.after(), limit=query.limit, store=live.products).map(
        ProductView.of
    )


@app.route("/products/{product_id}", permission="products:read")
def read_product(product_id: str) -> ProductView:
    """Read a product in any state."""
    return ProductView.of(live.products.get(product_id))


@app.route("/products/{product_id}", methods=["PATCH"], permission="products:write")
def edit_product(product_id: str, body: Edit) -> ProductView:
    """Change what is named; If-Match says which version was seen."""
    return ProductView.of(
        products.edit(
            product_id,
            body,
            seen=app.if_match,
            by=_origin(),
            now=utcnow(),
            store=live.products,
            sources=live.sources,
        )
    )


@app.route("/products/{product_id}", methods=["DELETE"], permission="products:write")
def trash_product(product_id: str) -> ProductView:
    """Put a product in the trash, from which it can be recovered."""
    return _moved(publication.trash, product_id)


@app.route("/products/{product_id}/recovery", methods=["POST"], permission="products:write")
def recover_product(product_id: str) -> ProductView:
    """Take a product out of the trash, as a draft with the same id and SKUs."""
    return _moved(publication.recover, product_id)


@app.route("/products/{product_id}/publication", methods=["PUT"], permission="products:write")
def publish_product(product_id: str) -> ProductView:
    """Put a product on sale."""
    return _moved(publication.publish, product_id)


@app.route("/products/{product_id}/publication", methods=["DELETE"], permission="products:write")
def unpublish_product(product_id: str) -> ProductView:
    """Take a product off sale."""
    return _moved(publication.unpublish, product_id)


@app.route("/products/{product_id}/versions", permission="products:read")
def list_versions(product_id: str, query: VersionsQuery) -> Page[ProductView]:
    """List what a product is and what it was, newest first."""
    found = products.history(product_id, below=query.below(), limit=query.limit, store=live.products)
    return found.map(ProductView.of)


def _origin() -> Origin:
    return Origin(app.caller, app.client_ip)


def _moved(move: publication.Move, product_id: str) -> ProductView:
    return ProductView.of(move(product_id, seen=app.if_match, by=_origin(), now=utcnow(), store=live.products))


app.health({"mongo": live.documents.ping, "search": live.search.ping, "graph": live.graph.ping})
app.refuse_the_rest()
