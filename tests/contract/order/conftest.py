"""The two keepers of the order service's books and replica: in memory, and the real stores."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec
import pytest
from contract.order.memory import MemoryBooks
from contract.order.memory_replica import MemoryReplica

from chalicelib.order import live
from chalicelib.order.store.books import Books
from chalicelib.order.store.products import Replica


class Keeper(msgspec.Struct):
    """Opens the books, each time for one transaction."""

    open: Callable[[], AbstractContextManager[Books | MemoryBooks]]
    replica: Replica | MemoryReplica


def in_memory() -> Keeper:
    """Return empty books in memory."""
    books = MemoryBooks()

    @contextmanager
    def opened() -> Iterator[MemoryBooks]:
        with books.trial():
            yield books

    return Keeper(opened, MemoryReplica())


@pytest.fixture(params=["memory", pytest.param("stores", marks=pytest.mark.stores)])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    if request.param == "memory":
        return in_memory()
    request.getfixturevalue("stores")
    return Keeper(live.books, live.replica)
