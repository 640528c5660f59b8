"""The two keepers of the customer service: in memory, and in PostgreSQL."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

import msgspec
import pytest
from contract.customer.memory import MemoryCustomers
from contract.souk.keeping import tells

from chalicelib.customer import live
from chalicelib.customer.customers import Customers
from souk.events import Event
from souk.signing_in import Accounts


class Store(Customers, Accounts, Protocol):
    """Everything the customer service keeps."""


class Keeper(msgspec.Struct):
    """Opens a store, each time for one transaction; `tells` whether an event is in its outbox."""

    open: Callable[[], AbstractContextManager[Store]]
    tells: Callable[[Event], bool]


@pytest.fixture(params=["memory", pytest.param("stores", marks=pytest.mark.stores)])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    if request.param == "memory":
        store = MemoryCustomers()
        return Keeper(store.transaction, store.tells)
    request.getfixturevalue("stores")
    return Keeper(live.customers, partial(tells, live.database))
