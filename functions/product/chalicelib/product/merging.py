"""What other services tell is kept here under its own version, and merged into the products it belongs to.

A replica is written before products are read, and a product is written before replicas are read: whoever comes second
sees the other.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from chalicelib.product.changes import Change, Changeable, change, changed
from chalicelib.product.model import Category, Product, Stock, moment
from chalicelib.product.product_types import ProductType

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

    def keep_stock(self, stock: Stock) -> None:
        """Keep a SKU's stock at a location."""
        ...


class Merged(Changeable, Protocol):
    """Finds the products that something belongs to."""

    def in_category(self, category_id: str, *, older_than: int, limit: int) -> list[Product]:
        """Return products of a category that know an older version of it, or none."""
        ...

    def of_sku(self, sku: str) -> Product | None:
        """Return the product that a SKU belongs to."""
        ...

    def save_all(self, changes: Sequence[Change]) -> int:
        """Save those of the changes that nobody overtook, in one round trip; return how many."""
        ...


def merge_category(category: Category, *, store: Merged, sources: Sources, now: datetime) -> None:
    """Keep a category and tell it to its products."""
    sources.keep_category(category)
    while products := store.in_category(category.id, older_than=category.version, limit=BATCH):
        store.save_all([changed(one, one.merged(category, []), now) for one in products])


def merge_stock(stock: Stock, *, store: Merged, sources: Sources, now: datetime) -> None:
    """Keep a SKU's stock and tell it to its product."""
    sources.keep_stock(stock)
    if product := store.of_sku(stock.sku):
        change(product.id, lambda one: one.merged(None, [stock]), store=store, now=now)


def refreshed(product_id: str, *, store: Changeable, sources: Sources, now: datetime) -> Product:
    """Return a product merged with what is known of its category and its stock."""
    return change(product_id, lambda one: merged([one], sources)[0], store=store, now=moment(now))


def refresh_all(products: Sequence[Product], *, store: Merged, sources: Sources, now: datetime) -> None:
    """Merge new products with what is known; one that was overtaken has been told by whoever overtook it."""
    after = merged(products, sources)
    different = [changed(one, other, now) for one, other in zip(products, after, strict=True) if one != other]
    if different:
        store.save_all(different)


def merged(products: Sequence[Product], sources: Sources) -> list[Product]:
    """Return products with what is known of their categories and their stock; nothing is saved."""
    named = sorted({one.details.category_id for one in products if one.details.category_id})
    categories = {one.id: one for one in sources.categories(named)}
    skus = [sku.sku for one in products for sku in one.details.skus]
    stock: dict[str, list[Stock]] = {}
    for level in sources.stock(skus):
        stock.setdefault(level.sku, []).append(level)
    return [
        one.merged(
            categories.get(one.details.category_id or ""),
            [level for sku in one.details.skus for level in stock.get(sku.sku, ())],
        )
        for one in products
    ]
