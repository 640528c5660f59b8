"""Bringing in a category tree and product types from elsewhere, many at a time."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Protocol

from msgspec.structs import replace

from chalicelib.catalog import categories, product_types
from chalicelib.catalog.model import Attribute, Category, ProductType, Tree, slug_of
from souk.ids import id_of

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Store(categories.Categories, product_types.ProductTypes, Protocol):
    """What keeps the catalog."""

    def changed_categories(self, since: datetime) -> list[Category]:
        """Return the categories changed since then, removed ones too."""

    def changed_product_types(self, since: datetime) -> list[ProductType]:
        """Return the types changed since then, removed ones too."""


def category_id(path: Sequence[str]) -> str:
    """Return the id that the imported category at `path` (names from the root) gets."""
    return id_of("category", *path)


def import_categories(paths: Iterable[Sequence[str]], *, now: datetime, store: Store) -> int:
    """Add the categories of these paths, and those above them, that are not there; return how many that were.

    What was removed comes back at its next version, or nobody would hear of it. Five round trips, however many paths.
    """
    tree = store.tree_for_change()
    wanted = dict.fromkeys(tuple(path[:depth]) for path in paths for depth in range(1, len(path) + 1))
    new = [imported(path) for path in wanted if category_id(path) not in tree.by_id]
    if new:
        last = {one.id: one.version for one in store.changed_categories(BEGINNING)}
        new = [replace(one, version=last.get(one.id, 0) + 1) for one in new]
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
    """Add a type of products, or return the one that an earlier import added; a removed one comes back."""
    kind = ProductType(id=id_of("product-type", code), code=code, name=name, attributes=attributes)
    there = store.product_type(kind.id)
    if there is not None:
        return there
    last = {one.id: one.version for one in store.changed_product_types(BEGINNING)}
    kind = replace(kind, version=last.get(kind.id, 0) + 1)
    store.save_product_type(kind, product_types.told(kind, now), now=now)
    return kind
