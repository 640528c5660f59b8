"""What other services tell is kept here under its own version, and merged into the products it belongs to.

A replica is written before products are read, and a product is written before replicas are read, once more after each
write: whoever comes second sees the other.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.product.changes import TRIES, Change, Changeable, changed
from chalicelib.product.model import Category, Product, Stock, moment
from chalicelib.product.product_types import ProductType
from souk.errors import Unavailable

BATCH = 100


class Sources(Protocol):
    """Keeps replicas of what others own; an older version than the kept one is ignored."""

    def categories(self, category_ids: Sequence[str]) -> list[Category]:
        """Return categories, as far as they are known."""
        ...

    def product_type(self, code: str) -> ProductType | None:
        """Return a product type by its code."""
        ...

    def stock(self, skus: Sequence[str]) -> list[Stock]:
        """Return the stock of SKUs at every location, as far as it is known."""
        ...

    def keep_category(self, category: Category) -> None:
        """Keep a category."""
        ...

    def keep_product_type(self, kind: ProductType) -> None:
        """Keep a product type."""
        ...

    def keep_stock(self, levels: Sequence[Stock]) -> None:
        """Keep the stock of SKUs at locations, in one round trip."""
        ...


class Merged(Changeable, Protocol):
    """Finds the products that something belongs to."""

    def get_all(self, product_ids: Sequence[str]) -> list[Product]:
        """Return products in any state, in any order. Raises Missing where one is not there."""
        ...

    def in_category(self, category_id: str, *, older_than: int, limit: int) -> list[Product]:
        """Return products of a category that know an older version of it, or none."""
        ...

    def of_skus(self, skus: Sequence[str]) -> list[Product]:
        """Return the products that SKUs belong to."""
        ...

    def save_all(self, changes: Sequence[Change]) -> int:
        """Save those of the changes that nobody overtook, in one round trip; return how many."""
        ...


def merge_category(category: Category, *, store: Merged, sources: Sources, now: datetime) -> None:
    """Keep a category and tell it to its products."""
    sources.keep_category(category)
    while products := store.in_category(category.id, older_than=category.version, limit=BATCH):
        store.save_all([changed(one, one.merged(category, []), now) for one in products])


def merge_stock(levels: Collection[Stock], *, store: Merged, sources: Sources, now: datetime) -> None:
    """Keep the stock of SKUs and tell it to their products: three round trips, however many there are.

    Only a difference that shoppers see is written: how many there are exactly is read from the replica by who asks.
    """
    newest = {one.place: one for one in sorted(levels, key=lambda one: one.version)}
    sources.keep_stock(list(newest.values()))
    skus = sorted({one.sku for one in levels})
    _bring_up(store.of_skus(skus), stocked, again=lambda: store.of_skus(skus), store=store, sources=sources, now=now)


def refreshed(product_id: str, *, store: Merged, sources: Sources, now: datetime) -> Product:
    """Return a product merged with what is known of its category and its stock."""
    ids = [product_id]
    return _bring_up(
        store.get_all(ids), merged, again=lambda: store.get_all(ids), store=store, sources=sources, now=moment(now)
    )[0]


def refresh_all(products: Sequence[Product], *, store: Merged, sources: Sources, now: datetime) -> None:
    """Merge new products with what is known."""
    ids = [one.id for one in products]
    _bring_up(products, merged, again=lambda: store.get_all(ids), store=store, sources=sources, now=now)


def _bring_up(
    products: Sequence[Product],
    merge: Callable[[Sequence[Product], Sources], list[Product]],
    *,
    again: Callable[[], Sequence[Product]],
    store: Merged,
    sources: Sources,
    now: datetime,
) -> Sequence[Product]:
    """Write products until they show what the replicas know, and return them.

    Who writes looks once more: meanwhile somebody may have kept something newer and found no need to write it.
    """
    for _ in range(TRIES):
        after = merge(products, sources)
        changes = [
            changed(one, other, now) for one, other in zip(products, after, strict=True) if one.shown != other.shown
        ]
        if not changes:
            return products
        store.save_all(changes)
        products = again()
    raise Unavailable("products are being changed by many at once")


def merged(products: Sequence[Product], sources: Sources) -> list[Product]:
    """Return products with what is known of their categories and their stock; nothing is saved."""
    named = sorted({one.details.category_id for one in products if one.details.category_id})
    categories = {one.id: one for one in sources.categories(named)}
    filed = [one.merged(categories.get(one.details.category_id or ""), []) for one in products]
    return stocked(filed, sources)


def stocked(products: Sequence[Product], sources: Sources) -> list[Product]:
    """Return products with what is known of their stock; nothing is saved."""
    levels = sources.stock([sku.sku for one in products for sku in one.details.skus])
    known: dict[str, list[Stock]] = {}
    for level in levels:
        known.setdefault(level.sku, []).append(level)
    return [
        one.merged(None, [level for sku in one.details.skus for level in known.get(sku.sku, ())]) for one in products
    ]
