"""The doors of the catalog service: the category tree and the types of products."""

from typing import Annotated

import msgspec

from chalicelib.catalog import categories, live, product_types
from chalicelib.catalog.model import Attribute, Category, Code, Name, ProductType, Tree
from souk import health, records
from souk.clock import utcnow
from souk.http import Answer, Souk, Takes, created
from souk.paging import Page, PageQuery

app = Souk("catalog")


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """A category and what lies below it, as deep as was asked for."""

    id: str
    name: str
    slug: str
    version: int
    children: "list[Node]" = []


class TreeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of the tree."""

    depth: Annotated[int, msgspec.Meta(ge=1, le=8, description="levels")] = 8


class TreeView(msgspec.Struct, frozen=True):
    """The tree from its roots."""

    items: list[Node]


class Step(msgspec.Struct, frozen=True):
    """A category on the way from the root."""

    id: str
    name: str
    slug: str


class CategoryView(msgspec.Struct, frozen=True, kw_only=True):
    """A category, the way to it, and what lies directly below."""

    id: str
    name: str
    slug: str
    parent_id: str | None
    position: int
    path: list[Step]
    children: list[Step]
    version: int


class CategoryWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new category; without `parent_id` it is a root."""

    name: Name
    parent_id: str | None = None


class NewName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another name."""

    name: Name


class Place(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A place in the tree: below which category (none: a root), and where among its siblings."""

    parent_id: str | None = None
    position: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0


class ProductTypeWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new type of products."""

    code: Code
    name: Name
    attributes: Annotated[tuple[Attribute, ...], msgspec.Meta(max_length=100)] = ()


class ProductTypeEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a type shall be."""

    name: Name
    attributes: Annotated[tuple[Attribute, ...], msgspec.Meta(max_length=100)] = ()


class ProductTypeView(msgspec.Struct, frozen=True, kw_only=True):
    """A type of products."""

    id: str
    code: str
    name: str
    attributes: tuple[Attribute, ...]
    version: int


@app.route("/categories")
def read_tree(query: TreeQuery) -> TreeView:
    """Read the category tree."""
    with live.reading() as store:
        tree = store.tree()
    return TreeView([_node(one, tree, query.depth) for one in tree.children(None)])


@app.route("/categories/{category_id}")
def read_category(category_id: str) -> CategoryView:
    """Read a category, the way to it and what lies below."""
    with live.reading() as store:
        return _view(*categories.read(category_id, store=store))


@app.route("/categories", methods=["POST"], status=201, permission="catalog:write", takes=Takes.KEY)
def create_category(body: CategoryWish) -> Answer[CategoryView]:
    """Add a category."""
    with live.catalog() as store:

        def decide() -> Answer[CategoryView]:
            made, tree = categories.create(body.name, body.parent_id, by=app.origin, now=utcnow(), store=store)
            return created(_view(made, tree), f"/catalog/categories/{made.id}")

        return app.once(store.attempts, decide)


@app.route("/categories/{category_id}", methods=["PATCH"], permission="catalog:write", takes=Takes.VERSION)
def rename_category(category_id: str, body: NewName) -> CategoryView:
    """Give a category another name."""
    with live.catalog() as store:
        seen, now = app.if_match, utcnow()
        return _view(*categories.rename(category_id, body.name, seen=seen, by=app.origin, now=now, store=store))


@app.route("/categories/{category_id}/position", methods=["PUT"], permission="catalog:write", takes=Takes.VERSION)
def move_category(category_id: str, body: Place) -> CategoryView:
    """Put a category elsewhere in the tree; never below itself."""
    with live.catalog() as store:
        moved = categories.move(
            category_id, body.parent_id, body.position, seen=app.if_match, by=app.origin, now=utcnow(), store=store
        )
    return _view(*moved)


@app.route("/categories/{category_id}", methods=["DELETE"], status=204, permission="catalog:write", takes=Takes.VERSION)
def remove_category(category_id: str) -> None:
    """Remove a category that has nothing below it."""
    with live.catalog() as store:
        categories.remove(category_id, seen=app.if_match, by=app.origin, now=utcnow(), store=store)


@app.route("/product-types", permission="catalog:read")
def list_product_types(query: PageQuery) -> Page[ProductTypeView]:
    """List the types of products, by code."""
    with live.reading() as store:
        return store.product_types(limit=query.limit, cursor=query.cursor).map(_kind)


@app.route("/product-types", methods=["POST"], status=201, permission="catalog:write", takes=Takes.KEY)
def create_product_type(body: ProductTypeWish) -> Answer[ProductTypeView]:
    """Add a type of products with typed attributes."""
    with live.catalog() as store:

        def decide() -> Answer[ProductTypeView]:
            now = utcnow()
            made = product_types.create(body.code, body.name, body.attributes, by=app.origin, now=now, store=store)
            return created(_kind(made), f"/catalog/product-types/{made.id}")

        return app.once(store.attempts, decide)


@app.route("/product-types/{type_id}", permission="catalog:read")
def read_product_type(type_id: str) -> ProductTypeView:
    """Read a type of products."""
    with live.reading() as store:
        return _kind(product_types.read(type_id, store=store))


@app.route("/product-types/{type_id}", methods=["PUT"], permission="catalog:write", takes=Takes.VERSION)
def edit_product_type(type_id: str, body: ProductTypeEdit) -> ProductTypeView:
    """Give a type of products another name and other attributes."""
    with live.catalog() as store:
        edited = product_types.edit(
            type_id, body.name, body.attributes, seen=app.if_match, by=app.origin, now=utcnow(), store=store
        )
    return _kind(edited)


@app.route("/product-types/{type_id}", methods=["DELETE"], status=204, permission="catalog:write", takes=Takes.VERSION)
def remove_product_type(type_id: str) -> None:
    """Remove a type of products; products of it stay what they are."""
    with live.catalog() as store:
        product_types.remove(type_id, seen=app.if_match, by=app.origin, now=utcnow(), store=store)


@app.every(60)
def sweep_catalog() -> None:
    """Remove what is kept for a while only."""
    records.sweep(live.database)


def _node(category: Category, tree: Tree, depth: int) -> Node:
    below = tree.children(category.id) if depth > 1 else []
    children = [_node(one, tree, depth - 1) for one in below]
    return Node(id=category.id, name=category.name, slug=category.slug, version=category.version, children=children)


def _view(category: Category, tree: Tree) -> CategoryView:
    return CategoryView(
        id=category.id,
        name=category.name,
        slug=category.slug,
        parent_id=category.parent_id,
        position=category.position,
        path=[Step(one.id, one.name, one.slug) for one in tree.path(category.id)],
        children=[Step(one.id, one.name, one.slug) for one in tree.children(category.id)],
        version=category.version,
    )


def _kind(kind: ProductType) -> ProductTypeView:
    return msgspec.convert(kind, ProductTypeView, from_attributes=True)


health.add_doors(app, {"postgres": live.database.ping})
app.refuse_the_rest()
