"""Bringing in a category tree and product types from elsewhere, many at a time."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.catalog import categories, product_types
from chalicelib.catalog.model import Attribute, Category, ProductType, Tree, slug_of
from souk.ids import id_of


class Store(categories.Categories, product_types.ProductTypes, Protocol):
    """What keeps the catalog."""


def category_id(path: Sequence[str]) -> str:
    """Return the id that the imported category at `path` (names from the root) gets."""
    return id_of("category", *path)


def import_categories(paths: Iterable[Sequence[str]], *, now: datetime, store: Store) -> int:
    """Add the categories of these paths, and those above them, that are not there yet; return how many were new.

    Four round trips, however many paths.
    """
    tree = store.tree_for_change()
    wanted = dict.fromkeys(tuple(path[:depth]) for path in paths for depth in range(1, len(path) + 1))
    new = [imported(path) for path in wanted if category_id(path) not in tree.by_id]
    if new:
        grown = Tree([*tree.by_id.values(), *new])
        store.save_categories(new, *categories.told(new, grown, now), now=now)
    return len(new)


def imported(path: Sequence[str]) -> Category:
    """Return the category at `path` as an import makes it."""
    above = category_id(path[:-1]) if len(path) > 1 else None
    # The last piece of the id keeps siblings apart whose names give one slug.
    return Category(
        id=category_id(path), parent_id=above, name=path[-1], slug=f"{slug_of(path[-1])}-{category_id(path)[-4:]}"
    )


def import_product_type(
    code: str, name: str, attributes: tuple[Attribute, ...], *, now: datetime, store: Store
) -> ProductType:
    """Add a type of products, or return the one that an earlier import added."""
    kind = ProductType(id=id_of("product-type", code), code=code, name=name, attributes=attributes)
    there = store.product_type(kind.id)
    if there is not None:
        return there
    store.save_product_type(kind, product_types.told(kind, now), now=now)
    return kind
