"""The two keepers of the admin service: in memory, and in PostgreSQL."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

import msgspec
import pytest
from contract.admin.memory import MemoryStaff
from contract.souk.keeping import tells

from chalicelib.admin import live
from chalicelib.admin.invitations import Invitations
from chalicelib.admin.trail import Trail
from souk.events import Event
from souk.signing_in import Accounts


class Store(Invitations, Trail, Accounts, Protocol):
    """Everything the admin service keeps."""


class Keeper(msgspec.Struct):
    """Opens a store, each time for one transaction; `tells` whether an event is in its outbox."""

    open: Callable[[], AbstractContextManager[Store]]
    tells: Callable[[Event], bool]


@pytest.fixture(params=["memory", pytest.param("stores", marks=pytest.mark.stores)])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    if request.param == "memory":
        store = MemoryStaff()
        return Keeper(store.transaction, store.tells)
    request.getfixturevalue("stores")
    return Keeper(live.staff, partial(tells, live.database))
