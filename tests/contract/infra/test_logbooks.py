"""What every keeper of a logbook of migrations promises."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from uuid import uuid4

import pytest

from souk_cli import logbooks, migrate
from souk_cli.logbooks import Logbook

Opened = Callable[[], AbstractContextManager[Logbook]]
pytestmark = pytest.mark.stores


class InMemory:
    """A logbook of this process."""

    def __init__(self) -> None:
        self.until, self.names = 0.0, set[str]()

    def lease(self, until: float) -> bool:
        if self.until > time.time():
            return False
        self.until = until
        return True

    def release(self) -> None:
        self.until = 0.0

    def applied(self) -> frozenset[str]:
        return frozenset(self.names)

    def apply(self, migration: str) -> None:
        """Do nothing: there is no store."""

    def record(self, name: str) -> None:
        self.names.add(name)


@contextmanager
def in_memory(stores: dict[str, str], service: str) -> Iterator[Opened]:
    logbook = InMemory()
    yield lambda: nullcontext(logbook)


def real(store: str, setting: str) -> Callable[[dict[str, str], str], AbstractContextManager[Opened]]:
    @contextmanager
    def opened(stores: dict[str, str], service: str) -> Iterator[Opened]:
        yield lambda: migrate.logbook(store, service, stores[setting])

    opened.__name__ = store
    return opened


KEEPERS = [
    in_memory,
    real("mongo", "PRODUCT_MONGO_URL"),
    real("search", "PRODUCT_SEARCH_URL"),
    real("graph", "PRODUCT_GRAPH_URL"),
]


@pytest.fixture(params=KEEPERS, ids=lambda keeper: keeper.__name__)
def opened(request: pytest.FixtureRequest, stores: dict[str, str]) -> Iterator[Opened]:
    """Opens the logbook of a service that nobody else has; each opening is another process's."""
    with request.param(stores, f"trial-{uuid4().hex[:8]}") as way:
        yield way


def test_one_holder_at_a_time(opened: Opened) -> None:
    with opened() as one, opened() as other:
        assert one.lease(time.time() + 60)
        assert not other.lease(time.time() + 60)
        one.release()
        assert other.lease(time.time() + 60)
        other.release()


def test_a_holder_whose_lease_is_over_is_overruled(opened: Opened) -> None:
    with opened() as one, opened() as other:
        assert one.lease(time.time() - 1)
        assert other.lease(time.time() + 60)
        other.release()


def test_what_was_applied_is_remembered_by_the_next_holder(opened: Opened) -> None:
    with opened() as one, logbooks.held(one):
        assert one.applied() == frozenset()
        one.record("0001.a")
        one.record("0002.b")
    with opened() as other, logbooks.held(other):
        assert other.applied() == {"0001.a", "0002.b"}


@pytest.mark.parametrize(
    ("store", "setting", "migration"),
    [
        ("mongo", "PRODUCT_MONGO_URL", json.dumps([{"create": "trial_of_migrations"}])),
        ("search", "PRODUCT_SEARCH_URL", json.dumps([{"method": "PUT", "path": "/trial_of_migrations"}])),
        ("graph", "PRODUCT_GRAPH_URL", "CREATE INDEX trial IF NOT EXISTS FOR (n:Trial) ON (n.id);"),
    ],
)
def test_a_migration_that_was_cut_short_can_be_applied_again(
    stores: dict[str, str], store: str, setting: str, migration: str
) -> None:
    with migrate.logbook(store, "trial", stores[setting]) as logbook:
        logbook.apply(migration)
        logbook.apply(migration)
