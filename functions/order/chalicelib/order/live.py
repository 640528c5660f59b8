"""Builds the real collaborators, lazily; cached for the life of the container."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta

from chalicelib.order.holds import Bounds
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.store.books import Books
from chalicelib.order.store.products import Replica
from chalicelib.order.store.sql import ORDERS
from souk.bells import Bells
from souk.mongo import Mongo
from souk.postgres import Database
from souk.settings import setting

database = Database("order")
documents = Mongo("order")
replica = Replica(documents)
bells = Bells("order", ORDERS)  # rung with the id of an order that was decided or changed
rates: dict[str, TaxRates] = {}  # of tax, by country, as they were when last looked at


@contextmanager
def books() -> Iterator[Books]:
    """Open the books for one transaction."""
    with database.transaction() as tx:
        yield Books(tx)


@contextmanager
def reading() -> Iterator[Books]:
    """Open the books for single statements, without the round trips of a transaction."""
    with database.reading() as tx:
        yield Books(tx)


def bounds() -> Bounds:
    """Return how much may be held for quotes, as the settings say."""
    usual = Bounds()
    return Bounds(
        lasts=timedelta(minutes=int(setting("order", "HOLD_MINUTES", str(usual.lasts // timedelta(minutes=1))))),
        units=int(setting("order", "HOLD_UNITS", str(usual.units))),
        quotes=int(setting("order", "HOLD_QUOTES", str(usual.quotes))),
    )


def deciding(*, keyed: bool) -> AbstractContextManager[Books]:
    """Open the books for one statement, or for a transaction where an answer has to be kept beside its effect."""
    return books() if keyed else reading()
