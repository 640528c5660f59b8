"""The two keepers of the catalog service: in memory, and in PostgreSQL."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import msgspec
import pytest
from contract.catalog.goods import NOW
from contract.catalog.memory import MemoryCatalog
from contract.souk.keeping import tells

from chalicelib.catalog import live
from chalicelib.catalog.imports import Store
from souk.events import Event

LEAVE = "UPDATE categories SET state = 'removed' WHERE state = 'active' AND changed_at >= %(since)s"


class Keeper(msgspec.Struct):
    """Opens a store, each time for one transaction; `tells` whether an event is in its outbox."""

    open: Callable[[], AbstractContextManager[Store]]
    tells: Callable[[Event], bool]


@pytest.fixture(params=["memory", pytest.param("stores", marks=pytest.mark.stores)])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    if request.param == "memory":
        store = MemoryCatalog()
        return Keeper(store.transaction, store.tells)
    request.getfixturevalue("stores")
    return Keeper(live.catalog, partial(tells, live.database))


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave no category that nobody was told of: a product could be made in it by no one."""
    yield
    if "stores" in request.fixturenames:
        with live.database.reading() as session:
            session.run(LEAVE, since=NOW)
