"""Migrations: numbered changes of each store's schema, applied once, in order, by whoever comes first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from souk.errors import Unavailable
from souk_cli import logbooks
from souk_cli.apps import ROOT, folder

if TYPE_CHECKING:
    from souk_cli.logbooks import Logbook

SHARED = ROOT / "layers" / "souk" / "migrations"
ADVISORY_LOCK = 7_361_811  # any number that nobody else takes in these databases
PATIENCE = 20.0  # seconds for a store that is starting
OPTIONAL = frozenset({"search", "graph"})  # without them services work in their degraded way
STORES: Mapping[str, str] = {
    "postgres": "OWNER_DATABASE_URL",
    "mongo": "MONGO_URL",
    "search": "SEARCH_URL",
    "graph": "GRAPH_URL",
}
Say = Callable[[str], None]


class _Absent(Exception):
    """A store does not answer."""


def migrate(
    service: str, settings: Mapping[str, str], *, say: Say | None = None, patience: float = PATIENCE
) -> list[str]:
    """Bring every store of `service` that `settings` name up to date; return what was applied (`mongo 0001.indexes`).

    Idempotent, and safe when two run at once. Raises Unavailable for a store that does not answer within `patience`
    seconds; for search and graph it only says so.
    """
    done: list[str] = []
    for store, setting in STORES.items():
        url = settings.get(f"{service.upper()}_{setting}")
        if url is None:
            continue
        try:
            done += [f"{store} {name}" for name in _patiently(store, service, url, patience)]
        except _Absent as error:
            if store not in OPTIONAL:
                raise Unavailable(f"{store} of {service} does not answer: {error}") from error
            if say:
                say(f"{service}: {store} does not answer; its migrations wait for the next run")
    return done


def _patiently(store: str, service: str, url: str, patience: float) -> list[str]:
    """Apply a store's migrations, trying again while it does not answer; half the patience where it is optional."""
    end = time.monotonic() + (patience / 4 if store in OPTIONAL else patience)
    while True:
        try:
            return _postgres(service, url) if store == "postgres" else _others(store, service, url)
        except _Absent:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def sources(service: str, store: str) -> Path:
    """Return the folder of a service's migrations for one store; it need not exist."""
    return folder(service) / "chalicelib" / service / "migrations" / store


def _postgres(service: str, url: str) -> list[str]:
    """Apply SQL files with yoyo: the shared ones first. Each commits together with its record."""
    import psycopg2
    from yoyo import get_backend, read_migrations

    try:
        guard = psycopg2.connect(url, connect_timeout=2)
    except psycopg2.OperationalError as error:
        raise _Absent(str(error).strip()) from error
    with closing(guard), guard.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", (ADVISORY_LOCK,))  # let go when this process ends, however
        with get_backend(url) as backend:
            backend.break_lock()  # left by one that was killed: nobody else is here
            wanted = read_migrations(str(SHARED), str(sources(service, "postgres")))
            return [_apply(backend, migration) for migration in backend.to_apply(wanted)]


def _apply(backend: Any, migration: Any) -> str:
    """Apply one migration and its mark in one transaction, which yoyo alone would not."""
    with backend.transaction():
        migration.process_steps(backend, "apply")
        backend.mark_one(migration)
    return str(migration.id)


def _others(store: str, service: str, url: str) -> list[str]:
    """Apply the files of a store that yoyo does not know."""
    place = sources(service, store)
    if not place.is_dir():
        return []
    with logbook(store, service, url) as kept, logbooks.held(kept):
        files = sorted(path for path in place.iterdir() if path.suffix in {".json", ".cypher"})
        known = kept.applied()
        missing = [path for path in files if path.stem not in known]
        for path in missing:
            kept.apply(path.read_text(encoding="utf-8"))
            kept.record(path.stem)
        return [path.stem for path in missing]


@contextmanager
def logbook(store: str, service: str, url: str) -> Iterator[Logbook]:
    """Open the logbook of a service in one of its stores."""
    opened = {"mongo": _in_mongo, "search": _in_search, "graph": _in_graph}[store]
    with opened(service, url) as kept:
        yield kept


@contextmanager
def _in_mongo(service: str, url: str) -> Iterator[Logbook]:
    from pymongo import MongoClient
    from pymongo.errors import ConnectionFailure

    client: MongoClient[dict[str, Any]] = MongoClient(url, serverSelectionTimeoutMS=2_000, w="majority", journal=True)
    try:
        with client:
            yield logbooks.InMongo(client.get_default_database(), service)
    except ConnectionFailure as error:
        raise _Absent(str(error)) from error


@contextmanager
def _in_search(service: str, url: str) -> Iterator[Logbook]:
    from elasticsearch import ConnectionError as NotConnected

    from souk.elastic import connect

    try:
        with closing(connect(url)) as client:
            yield logbooks.InSearch(client.options(request_timeout=30), service)
    except NotConnected as error:
        raise _Absent(str(error)) from error


@contextmanager
def _in_graph(service: str, url: str) -> Iterator[Logbook]:
    from neo4j.exceptions import ServiceUnavailable

    from souk.graph import connect

    try:
        with closing(connect(url)) as driver:
            yield logbooks.InGraph(driver, service)
    except ServiceUnavailable as error:
        raise _Absent(str(error)) from error
