"""Builds the real collaborators of the catalog service, lazily; cached for the life of the container."""

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib.catalog.store import KeptCatalog
from souk.postgres import Database

database = Database("catalog")


@contextmanager
def catalog() -> Iterator[KeptCatalog]:
    """Open the store for one transaction."""
    with database.transaction() as tx:
        yield KeptCatalog(tx)


@contextmanager
def reading() -> Iterator[KeptCatalog]:
    """Open the store for single reads, without the round trips of a transaction."""
    with database.reading() as tx:
        yield KeptCatalog(tx)
