"""Records of applied migrations, kept in the stores they changed: MongoDB, the search engine, the graph."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from souk_local.patience import keep_looking

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch
    from neo4j import Driver
    from pymongo.database import Database

LEASE = 60.0  # seconds after which somebody who died while migrating is overruled
GLANCE = 0.2  # seconds between two tries to get it
NAME = "souk_migrations"  # of the collection and the index


class Logbook(Protocol):
    """Says what was applied for one service; one holder at a time may add to it."""

    def lease(self, until: float) -> bool:
        """Take the logbook until that moment (seconds since 1970), unless somebody else has it."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...

    def applied(self) -> frozenset[str]:
        """Return the names of the migrations that were applied."""
        ...

    def apply(self, migration: str) -> None:
        """Do what a migration's text says; one that was cut short is applied again from its start."""
        ...

    def record(self, name: str) -> None:
        """Remember that it was applied."""
        ...


class InMongo:
    """Keeps one document per service in the service's own database; a migration is a list of database commands."""

    def __init__(self, database: Database[dict[str, Any]], service: str) -> None:
        self._database, self._records, self._service = database, database[NAME], service

    def lease(self, until: float) -> bool:
        """Take it by one conditional write."""
        from pymongo.errors import DuplicateKeyError

        free = {"_id": self._service, "leased_until": {"$lt": time.time()}}
        try:
            self._records.update_one(free, {"$set": {"leased_until": until}}, upsert=True)
        except DuplicateKeyError:
            return False
        return True

    def release(self) -> None:
        """Give it back."""
        self._records.update_one({"_id": self._service}, {"$set": {"leased_until": 0.0}})

    def applied(self) -> frozenset[str]:
        """Return the names kept."""
        found = self._records.find_one({"_id": self._service}) or {}
        return frozenset(found.get("applied", ()))

    def apply(self, migration: str) -> None:
        """Run database commands; a collection that is there already is fine, and so is an index that is gone already."""
        from pymongo.errors import OperationFailure

        namespace_exists, index_not_found = 48, 27
        for command in json.loads(migration):
            try:
                self._database.command(command)
            except OperationFailure as error:
                if error.code not in {namespace_exists, index_not_found}:
                    raise

    def record(self, name: str) -> None:
        """Add a name."""
        self._records.update_one({"_id": self._service}, {"$addToSet": {"applied": name}})


class InSearch:
    """Keeps one document per service in an index of its own; a migration is a list of requests."""

    JSON = {"content-type": "application/json", "accept": "application/json"}

    def __init__(self, client: Elasticsearch, service: str) -> None:
        self._client, self._service = client, service

    def lease(self, until: float) -> bool:
        """Take it by one conditional write."""
        from elasticsearch import ConflictError

        found = self._client.options(ignore_status=404).get(index=NAME, id=self._service)
        kept = found["_source"] if found.get("found") else {"applied": []}
        if kept.get("leased_until", 0.0) > time.time():
            return False
        seen = (
            {"if_seq_no": found["_seq_no"], "if_primary_term": found["_primary_term"]}
            if found.get("found")
            else {"op_type": "create"}
        )
        try:
            self._client.index(index=NAME, id=self._service, document={**kept, "leased_until": until}, **seen)
        except ConflictError:
            return False
        return True

    def release(self) -> None:
        """Give it back."""
        self._change({"leased_until": 0.0})

    def applied(self) -> frozenset[str]:
        """Return the names kept."""
        return frozenset(self._client.get(index=NAME, id=self._service)["_source"]["applied"])

    def apply(self, migration: str) -> None:
        """Send requests; an index that is there already is fine."""
        from elasticsearch import BadRequestError

        for request in json.loads(migration):
            try:
                self._client.perform_request(
                    request["method"], request["path"], headers=self.JSON, body=request.get("body")
                )
            except BadRequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise

    def record(self, name: str) -> None:
        """Add a name."""
        self._change({"applied": sorted(self.applied() | {name})})

    def _change(self, what: dict[str, Any]) -> None:
        self._client.update(index=NAME, id=self._service, doc=what)


class InGraph:
    """Keeps one node per service; a migration is Cypher, its statements separated by semicolons."""

    UNIQUE = "CREATE CONSTRAINT souk_migrations IF NOT EXISTS FOR (m:SoukMigrations) REQUIRE m.service IS UNIQUE"
    LEASE = """
        MERGE (m:SoukMigrations {service: $service})
        ON CREATE SET m.applied = [], m.leased_until = 0.0
        SET m.locked = true
        WITH m WHERE m.leased_until < $now
        SET m.leased_until = $until
        RETURN m.service AS service
    """
    RELEASE = "MATCH (m:SoukMigrations {service: $service}) SET m.leased_until = 0.0"
    APPLIED = "MATCH (m:SoukMigrations {service: $service}) RETURN m.applied AS applied"
    RECORD = "MATCH (m:SoukMigrations {service: $service}) SET m.applied = m.applied + $name"

    def __init__(self, driver: Driver, service: str) -> None:
        self._driver, self._service = driver, service
        self._run(self.UNIQUE)

    def _run(self, cypher: str, **values: Any) -> list[dict[str, Any]]:
        answer = self._driver.execute_query(cypher, values)
        return [record.data() for record in answer.records]

    def lease(self, until: float) -> bool:
        """Take it by one conditional write."""
        return bool(self._run(self.LEASE, service=self._service, now=time.time(), until=until))

    def release(self) -> None:
        """Give it back."""
        self._run(self.RELEASE, service=self._service)

    def applied(self) -> frozenset[str]:
        """Return the names kept."""
        return frozenset(self._run(self.APPLIED, service=self._service)[0]["applied"])

    def apply(self, migration: str) -> None:
        """Run statements, which say IF NOT EXISTS themselves."""
        for statement in statements(migration):
            self._run(statement)

    def record(self, name: str) -> None:
        """Add a name."""
        self._run(self.RECORD, service=self._service, name=name)


def statements(cypher: str) -> list[str]:
    """Return the statements of a file; comments are whole lines that begin with //."""
    lines = [line for line in cypher.splitlines() if not line.lstrip().startswith("//")]
    return [text for part in "\n".join(lines).split(";") if (text := part.strip())]


@contextmanager
def held(logbook: Logbook) -> Iterator[None]:
    """Hold a logbook, waiting for whoever has it now; a holder that died is overruled when its lease is over."""
    if not keep_looking(lambda: logbook.lease(time.time() + LEASE), within=2 * LEASE, pause=GLANCE):
        raise TimeoutError("somebody else has been migrating this store for too long")
    try:
        yield
    finally:
        logbook.release()
