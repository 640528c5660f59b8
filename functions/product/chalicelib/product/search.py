"""Searching: by text with its typos, narrowed by facets; from MongoDB, word by word, while the search engine is down."""

from chalicelib.product.listing import first_of
from chalicelib.product.storefront import Found, Storefront, Suggestion, Wanted


def search(wanted: Wanted, *, index: Storefront, documents: Storefront) -> tuple[Found, bool]:
    """Return what was found, and whether the search engine was down. One round trip. Raises Unavailable."""
    return first_of(lambda store: store.find(wanted), index, documents)


def suggestions(typed: str, limit: int, *, index: Storefront, documents: Storefront) -> tuple[list[Suggestion], bool]:
    """Return what could be meant, best-selling first, and whether the search engine was down. Raises Unavailable."""
    return first_of(lambda store: store.suggest(typed, limit), index, documents)
