"""The runner's own rules; what it does to real stores is shown where those run."""

import re
from pathlib import Path

import pytest

from souk.errors import Refused
from souk_cli import logbooks, migrate
from souk_cli.commands.migrate import settings_of
from souk_cli.logbooks import Logbook
from souk_local.services import SERVICES

NUMBERED = r"\d{4}\.[a-z0-9-]+"


class InMemory:
    """A logbook whose lease is free after so many tries."""

    def __init__(self, busy: int = 0) -> None:
        self.busy, self.held, self.names = busy, False, set[str]()

    def lease(self, until: float) -> bool:
        assert until > 0
        self.busy -= 1
        self.held = self.busy < 0
        return self.held

    def release(self) -> None:
        self.held = False

    def applied(self) -> frozenset[str]:
        return frozenset(self.names)

    def apply(self, migration: str) -> None:
        assert self.held, f"nobody else may come between: {migration}"

    def record(self, name: str) -> None:
        self.names.add(name)


def test_a_logbook_is_given_back_whatever_happens() -> None:
    logbook = InMemory()
    with pytest.raises(ValueError, match="broken"), logbooks.held(logbook):
        raise ValueError("broken")
    assert not logbook.held


def test_a_logbook_that_somebody_has_is_waited_for() -> None:
    logbook: Logbook = InMemory(busy=2)
    with logbooks.held(logbook):
        logbook.apply("anything")


def test_cypher_statements_are_told_apart_and_comments_left_out() -> None:
    text = "// first\nCREATE CONSTRAINT a IF NOT EXISTS FOR (n:N)\n  REQUIRE n.id IS UNIQUE;\n\nMERGE (n:N {id: 1});\n"
    assert logbooks.statements(text) == [
        "CREATE CONSTRAINT a IF NOT EXISTS FOR (n:N)\n  REQUIRE n.id IS UNIQUE",
        "MERGE (n:N {id: 1})",
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_are_numbered_without_gaps(service: str) -> None:
    for store in migrate.STORES:
        place: Path = migrate.sources(service, store)
        names = sorted(path.stem for path in place.iterdir()) if place.is_dir() else []
        assert all(re.fullmatch(NUMBERED, name) for name in names)
        assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))


@pytest.mark.parametrize("service", SERVICES)
def test_no_service_takes_the_name_of_a_shared_migration(service: str) -> None:
    shared = {path.stem for path in migrate.SHARED.iterdir()}
    own = {path.stem for path in migrate.sources(service, "postgres").glob("*.sql")}
    assert not shared & own


def test_a_store_elsewhere_that_is_not_named_is_not_up_to_date(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PRODUCT_MONGO_URL", "PRODUCT_GRAPH_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PRODUCT_SEARCH_URL", "https://search.internal")
    with pytest.raises(Refused, match=r"missing: PRODUCT_MONGO_URL, PRODUCT_GRAPH_URL$"):
        settings_of("prod", ["product"])
