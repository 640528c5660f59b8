"""What shoppers see without searching: the products on a shelf, and one product's page.

Lists come from the search engine, which keeps them in order, and from MongoDB where that is down; a product's page comes
from MongoDB, and from the search engine where that is down. One round trip each.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from chalicelib.product.model import Product
from chalicelib.product.storefront import SORTS, Found, Key, Row, Score, Sort, Storefront, Wanted
from souk.errors import Missing, Unavailable
from souk.paging import Page, page, unseal

Answer = TypeVar("Answer")


def first_of(ask: Callable[[Storefront], Answer], *stores: Storefront) -> tuple[Answer, bool]:
    """Return the answer of the first store that answers, and whether it was not the first one asked.

    Raises Unavailable where none does.
    """
    for number, store in enumerate(stores):
        try:
            return ask(store), number > 0
        except Unavailable:
            if number + 1 == len(stores):
                raise
    raise Unavailable("no store was asked")


def listed(wanted: Wanted, *, index: Storefront, documents: Storefront) -> tuple[Found, bool]:
    """Return what stands on a shelf, and whether the index was down. Raises Unavailable."""
    return first_of(lambda store: store.find(wanted), index, documents)


def shown(id_or_slug: str, *, documents: Storefront, index: Storefront) -> tuple[Product, bool]:
    """Return a published product, and whether MongoDB was down. Raises Missing, Unavailable."""
    found, degraded = first_of(lambda store: store.show(id_or_slug), documents, index)
    if found is None:
        raise Missing("there is no such product on sale")
    return found, degraded


def after(cursor: str | None, sort: Sort) -> Key | None:
    """Return where the page before ended. Raises Invalid for a cursor that is not one of this order."""
    kind: Any = Score if sort is Sort.RELEVANCE else SORTS[sort].key
    found: Key | None = unseal(cursor, tuple[kind, str])
    return found


def paged(found: Found, limit: int) -> Page[Row]:
    """Return what was found as a page."""
    return page(found.rows, limit, lambda row: row.key)
