"""What keepers in memory have in common with those in PostgreSQL: transactions, an outbox, and lists in pages."""

import copy
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime
from typing import Protocol, Self, TypeVar

from souk.errors import SoukError
from souk.events import Event
from souk.idempotency import Attempt, reused
from souk.paging import Page, page, unseal
from souk.postgres import Database
from souk_local.patience import until

WAITING = "SELECT 1 AS one FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


class Known(Protocol):
    """Something that has an id."""

    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=Known)
Store = TypeVar("Store")


class GivenUp(Exception):
    """Why a transaction fails that did all it was asked."""


class MemoryTransactions:
    """What is undone where a transaction fails, with what it put into the outbox."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox: list[Event] = []
        self.answers: dict[str, tuple[Attempt, bytes]] = {}

    @property
    def attempts(self) -> "MemoryAttempts":
        return MemoryAttempts(self)

    @contextmanager
    def transaction(self) -> Iterator[Self]:
        before = {name: copy.copy(value) for name, value in self.__dict__.items()}
        try:
            yield self
        except Exception:
            self.__dict__.update(before)
            raise

    def add_events(self, *events: Event) -> None:
        self.outbox.extend(events)

    def tells(self, event: Event) -> bool:
        """Tell whether an event is in the outbox."""
        return event in self.outbox


class MemoryAttempts:
    """Answers to requests that may come again, in the transactions of a keeper; see `idempotency.Attempts`."""

    def __init__(self, keeper: MemoryTransactions) -> None:
        self._keeper = keeper

    def recall(self, attempt: Attempt) -> bytes | None:
        if attempt.scope not in self._keeper.answers:
            return None
        known, outcome = self._keeper.answers[attempt.scope]
        if known.fingerprint != attempt.fingerprint:
            raise reused()
        return outcome

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with self._keeper.transaction():
            yield

    def remember(self, attempt: Attempt, outcome: bytes) -> None:
        self._keeper.answers[attempt.scope] = (attempt, outcome)


@contextmanager
def given_up(opened: AbstractContextManager[Store]) -> Iterator[Store]:
    """Work in a transaction that fails in the end."""
    with suppress(GivenUp), opened as store:
        yield store
        raise GivenUp


def at_once(*works: Callable[[], object]) -> list[SoukError | None]:
    """Do all of it at once, and return how each was refused."""

    def refused(work: Callable[[], object]) -> SoukError | None:
        try:
            work()
        except SoukError as error:
            return error
        return None

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(refused, works))


def await_somebody_waiting(service: str) -> None:
    """Wait until somebody waits for a lock in a service's database."""

    def somebody_waits() -> bool:
        with database.reading() as session:
            return session.one(WAITING) is not None

    database = Database(service)  # not the one that this thread has a transaction in
    until(somebody_waits)


def tells(database: Database, event: Event) -> bool:
    """Tell whether an event is in the outbox of a database."""
    with database.reading() as tx:
        row = tx.one("SELECT event FROM outbox WHERE id = %(id)s", id=event.id)
    return row is not None and row["event"] == event.encoded().decode()


def newest(rows: Iterable[Item], age: Callable[[Item], datetime], *, limit: int, cursor: str | None) -> Page[Item]:
    """Return a page of rows, newest first; among those of one moment the highest id."""

    def place(one: Item) -> tuple[datetime, str]:
        return age(one), one.id

    after = unseal(cursor, tuple[datetime, str])
    found = sorted((one for one in rows if after is None or place(one) < after), key=place, reverse=True)
    return page(found[: limit + 1], limit, place)


def walked(turn: Callable[[str | None], Page[Item]]) -> list[Item]:
    """Return the items of all pages, from the first to the last."""
    first = turn(None)
    found, cursor = list(first.items), first.next
    while cursor is not None:
        following = turn(cursor)
        assert following.items, "no page is empty that another one announced"
        found, cursor = [*found, *following.items], following.next
    return found
