"""What every keeper of answers promises: in memory, and in the databases of services."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial
from typing import Protocol

import msgspec
import pytest
from contract.admin.people import event
from contract.souk.keeping import MemoryTransactions, at_once, given_up, tells

from chalicelib.admin import live as admin_live
from chalicelib.catalog import live as catalog_live
from souk.errors import Invalid, Refused
from souk.events import Event
from souk.idempotency import Attempt, Attempts
from souk.ids import new_id

ANSWER = b"\x00 an answer"


class Store(Protocol):
    """What an effect is kept in, with the answer to whoever asked for it."""

    @property
    def attempts(self) -> Attempts: ...

    def add_events(self, *events: Event) -> None: ...


class Keeper(msgspec.Struct):
    """Opens a store, each time for one transaction; `tells` whether an event is in its outbox."""

    open: Callable[[], AbstractContextManager[Store]]
    tells: Callable[[Event], bool]


@pytest.fixture(params=["memory", *(pytest.param(one, marks=pytest.mark.stores) for one in ("admin", "catalog"))])
def keeper(request: pytest.FixtureRequest) -> Keeper:
    if request.param == "memory":
        memory = MemoryTransactions()
        return Keeper(memory.transaction, memory.tells)
    request.getfixturevalue("stores")
    if request.param == "admin":
        return Keeper(admin_live.staff, partial(tells, admin_live.database))
    return Keeper(catalog_live.catalog, partial(tells, catalog_live.database))


@pytest.fixture
def attempt() -> Attempt:
    return Attempt.of(new_id(), "key", b"body")


def answered(keeper: Keeper, attempt: Attempt, answer: bytes = ANSWER) -> bytes | None:
    """Answer to an attempt, and return what it was answered before, if it was."""
    with keeper.open() as store:
        known = store.attempts.recall(attempt)
        if known is None:
            store.attempts.remember(attempt, answer)
        return known


def test_the_first_answer_is_the_answer(keeper: Keeper, attempt: Attempt) -> None:
    assert [answered(keeper, attempt, answer) for answer in (ANSWER, b"other", b"third")] == [None, ANSWER, ANSWER]


def test_another_scope_is_another_attempt(keeper: Keeper, attempt: Attempt) -> None:
    answered(keeper, attempt)
    assert answered(keeper, Attempt.of(new_id(), "key", b"body")) is None


def test_a_key_that_comes_with_another_body_is_refused(keeper: Keeper, attempt: Attempt) -> None:
    answered(keeper, attempt)
    with pytest.raises(Invalid) as reused:
        answered(keeper, Attempt.of(attempt.scope, "key", b"another body"))
    assert reused.value.kind == "key-reused"
    assert answered(keeper, attempt) == ANSWER


def test_an_attempt_whose_transaction_failed_was_none(keeper: Keeper, attempt: Attempt) -> None:
    with given_up(keeper.open()) as store:
        assert store.attempts.recall(attempt) is None
        store.attempts.remember(attempt, ANSWER)
    assert answered(keeper, Attempt.of(attempt.scope, "key", b"another body")) is None


def test_what_is_refused_inside_is_undone_and_the_refusal_is_the_answer(keeper: Keeper, attempt: Attempt) -> None:
    before, inside = event(), event()

    def refuse(store: Store) -> None:
        with store.attempts.savepoint():
            store.add_events(inside)
            raise Refused("no")

    with keeper.open() as store:
        assert store.attempts.recall(attempt) is None
        store.add_events(before)
        with pytest.raises(Refused):
            refuse(store)
        store.attempts.remember(attempt, ANSWER)
    assert (keeper.tells(before), keeper.tells(inside)) == (True, False)
    assert answered(keeper, attempt) == ANSWER


def test_what_is_done_inside_stays(keeper: Keeper, attempt: Attempt) -> None:
    said = event()
    with keeper.open() as store:
        assert store.attempts.recall(attempt) is None
        with store.attempts.savepoint():
            store.add_events(said)
        store.attempts.remember(attempt, ANSWER)
    assert keeper.tells(said)


@pytest.mark.stores
@pytest.mark.usefixtures("stores")
def test_an_attempt_that_is_made_many_times_at_once_has_one_answer(attempt: Attempt) -> None:
    keeper = Keeper(admin_live.staff, partial(tells, admin_live.database))
    told: list[bytes | None] = []

    def answer(number: int) -> None:
        told.append(answered(keeper, attempt, str(number).encode()))

    assert at_once(*(partial(answer, number) for number in range(8))) == [None] * 8
    (first,) = {one for one in told if one is not None}
    assert sorted(told, key=bool) == [None, *[first] * 7]
