"""What the catalog service tells others."""

from typing import ClassVar

import msgspec

from chalicelib.catalog.model import Attribute, Category, ProductType, Tree
from souk.audit import Audited
from souk.events import Fact, catalogue


class Step(msgspec.Struct, frozen=True):
    """One category on the way from the root."""

    id: str
    name: str
    slug: str


class CategoryChanged(Fact, frozen=True, kw_only=True):
    """A category as it is now; told for each one whose name or path changed."""

    TYPE: ClassVar[str] = "category.changed"

    category_id: str
    name: str
    slug: str
    parent_id: str | None
    path: list[Step]
    state: str


class ProductTypeChanged(Fact, frozen=True, kw_only=True):
    """A type of products as it is now."""

    TYPE: ClassVar[str] = "product_type.changed"

    product_type_id: str
    code: str
    name: str
    attributes: tuple[Attribute, ...]
    state: str


PUBLISHES = catalogue(CategoryChanged, ProductTypeChanged, Audited)


def category_changed(category: Category, tree: Tree) -> CategoryChanged:
    """Return what there is to say about a category at its place in `tree`."""
    way = tree.path(category.id) if category.id in tree.by_id else [category]
    return CategoryChanged(
        category_id=category.id,
        name=category.name,
        slug=category.slug,
        parent_id=category.parent_id,
        path=[Step(one.id, one.name, one.slug) for one in way],
        state=category.state,
    )


def product_type_changed(kind: ProductType) -> ProductTypeChanged:
    """Return what there is to say about a type of products."""
    return ProductTypeChanged(
        product_type_id=kind.id, code=kind.code, name=kind.name, attributes=kind.attributes, state=kind.state
    )
