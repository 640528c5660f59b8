"""Keeping the search index: a product is read as it is now and written under its `rev`, whatever the event said."""

from collections.abc import Collection, Sequence
from typing import Protocol

from chalicelib.product.model import Product


class Index(Protocol):
    """Keeps what can be searched."""

    def write(self, products: Sequence[Product]) -> None:
        """Write products under their `rev`; one that the index knows better is left alone. Raises Unavailable."""
        ...


class Readable(Protocol):
    """Reads products."""

    def get_all(self, product_ids: Sequence[str]) -> list[Product]:
        """Return products in any state, in any order. Raises Missing where one is not there."""
        ...


def index_products(product_ids: Collection[str], *, store: Readable, index: Index) -> None:
    """Show the index products as they are now. Events come late and out of order; what is read is never older."""
    index.write(store.get_all(sorted(set(product_ids))))
