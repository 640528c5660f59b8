"""Neo4j: one driver per process, made when first used; work runs in managed transactions, which retry on deadlock."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString
from urllib.parse import unquote, urlsplit

from souk.errors import Unavailable
from souk.settings import setting

if TYPE_CHECKING:
    from neo4j import Driver

CONNECT, RETRY = 2.0, 5.0  # seconds


def connect(url: str) -> "Driver":
    """Return a driver for the graph at `url`; it connects when first used."""
    from neo4j import GraphDatabase

    parts = urlsplit(url)
    return GraphDatabase.driver(
        f"{parts.scheme}://{parts.hostname}:{parts.port}",
        auth=(unquote(parts.username or "neo4j"), unquote(parts.password or "")),
        connection_timeout=CONNECT,
        connection_acquisition_timeout=CONNECT,
        max_transaction_retry_time=RETRY,
        liveness_check_timeout=30,
        notifications_min_severity="OFF",  # a graph that is still empty would be remarked upon at every query
    )


class Graph:
    """A service's graph, by the setting that holds its URL (`bolt://user:password@host:port`)."""

    def __init__(self, service: str) -> None:
        """Say whose graph; nothing is read or connected before the first use."""
        self._service = service
        self._driver: Driver | None = None

    def _connected(self) -> "Driver":
        if self._driver is None:
            self._driver = connect(setting(self._service, "GRAPH_URL"))
            atexit.register(self._driver.close)
        return self._driver

    def read(self, cypher: LiteralString, **values: Any) -> list[dict[str, Any]]:
        """Return the rows of a query, one dict each. Nobody waits for a graph that is down: there is one new try."""
        with self._translated():
            from neo4j.exceptions import ServiceUnavailable, SessionExpired

            try:
                return self._rows(cypher, values)
            except (ServiceUnavailable, SessionExpired):
                return self._rows(cypher, values)

    def _rows(self, cypher: LiteralString, values: dict[str, Any]) -> list[dict[str, Any]]:
        with self._connected().session(default_access_mode="READ") as session:
            return session.run(cypher, values).data()

    def write(self, *statements: tuple[LiteralString, dict[str, Any]]) -> None:
        """Run statements as one transaction."""

        def work(tx: Any) -> None:
            for cypher, values in statements:
                tx.run(cypher, values).consume()

        with self._translated(), self._connected().session() as session:
            session.execute_write(work)

    def ping(self) -> None:
        """Ask for a sign of life. Raises Unavailable."""
        with self._translated():
            self._connected().verify_connectivity()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        from neo4j.exceptions import DriverError, TransientError

        try:
            yield
        except (DriverError, TransientError) as error:
            raise Unavailable(f"the graph of {self._service} does not answer") from error
