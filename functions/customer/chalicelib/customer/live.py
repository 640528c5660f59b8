"""Builds the real collaborators of the customer service, lazily; cached for the life of the container."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from chalicelib.customer.store import KeptCustomers
from souk.auth import PrivateKey
from souk.postgres import Database
from souk.sessions import Desk
from souk.settings import setting
from souk.throttle import KeptFailures

database = Database("customer")
failures = KeptFailures(database)


@contextmanager
def customers() -> Iterator[KeptCustomers]:
    """Open the store for one transaction."""
    with database.transaction() as tx:
        yield KeptCustomers(tx)


@contextmanager
def reading() -> Iterator[KeptCustomers]:
    """Open the store for single reads, without the round trips of a transaction."""
    with database.reading() as tx:
        yield KeptCustomers(tx)


@functools.cache
def desk() -> Desk:
    """Return what signs customers' tokens."""
    key = msgspec.json.decode(setting("customer", "SIGNING_KEY"), type=PrivateKey)
    return Desk(issuer="customer", audience="customer", key=key)
