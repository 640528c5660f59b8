"""Builds the real collaborators of the admin service, lazily; cached for the life of the container."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from chalicelib.admin.store import KeptStaff
from souk.auth import PrivateKey
from souk.postgres import Database
from souk.sessions import Desk
from souk.settings import setting
from souk.throttle import KeptFailures

database = Database("admin")
failures = KeptFailures(database)


@contextmanager
def staff() -> Iterator[KeptStaff]:
    """Open the store for one transaction."""
    with database.transaction() as tx:
        yield KeptStaff(tx)


@contextmanager
def reading() -> Iterator[KeptStaff]:
    """Open the store for single reads, without the round trips of a transaction."""
    with database.reading() as tx:
        yield KeptStaff(tx)


@functools.cache
def desk() -> Desk:
    """Return what signs staff tokens."""
    key = msgspec.json.decode(setting("admin", "SIGNING_KEY"), type=PrivateKey)
    return Desk(issuer="admin", audience="admin", key=key)
