"""Keeping the search index: a product is read as it is now and written under its `rev`, whatever the event said."""

from collections.abc import Sequence
from typing import Protocol

from chalicelib.product.model import Product


class Index(Protocol):
    """Keeps what can be searched."""

    def write(self, products: Sequence[Product]) -> None:
        """Write products under their `rev`; one that the index knows better is left alone. Raises Unavailable."""
        ...


class Readable(Protocol):
    """Reads products."""

    def get(self, product_id: str) -> Product:
        """Return a product in any state. Raises Missing."""
        ...


def index_product(product_id: str, *, store: Readable, index: Index) -> None:
    """Show the index a product as it is now. Events come late and out of order; what is read is never older."""
    index.write([store.get(product_id)])
