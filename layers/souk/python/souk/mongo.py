"""MongoDB: one client per process and database, made when first used; writes are acknowledged by a majority's journal."""

import atexit
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from souk.errors import Unavailable
from souk.settings import setting

if TYPE_CHECKING:
    from pymongo import MongoClient
    from pymongo.database import Database as Documents

CONNECT, ANSWER = 2_000, 5_000  # milliseconds
PATIENT = 300_000  # for whoever goes through everything: a stand-in reads all of it before it answers with the first


class Mongo:
    """A service's document database, by the setting that holds its URL (the database is the URL's path)."""

    def __init__(self, service: str, *, answer: int = ANSWER) -> None:
        """Say which database, and for how many milliseconds an answer is waited for; nothing is connected before use."""
        self._service, self._answer = service, answer
        self._client: MongoClient[dict[str, Any]] | None = None

    def _connected(self) -> "MongoClient[dict[str, Any]]":
        if self._client is None:
            from pymongo import MongoClient

            connect = max(CONNECT, self._answer // 10)
            self._client = MongoClient(
                setting(self._service, "MONGO_URL"),
                tz_aware=True,
                appname=f"souk-{self._service}",
                connectTimeoutMS=connect,  # also the driver's watch: a sign of life later than that ends all that runs
                serverSelectionTimeoutMS=connect,
                socketTimeoutMS=self._answer,
                w="majority",
                journal=True,
                readConcernLevel="majority",
            )
            atexit.register(self._client.close)
        return self._client

    @contextmanager
    def documents(self) -> Iterator["Documents[dict[str, Any]]"]:
        """Give the database to what is inside; a server that does not answer there is Unavailable."""
        from pymongo.errors import ConnectionFailure, ExecutionTimeout, NetworkTimeout, PyMongoError, WTimeoutError

        try:
            yield self._connected().get_default_database()
        except (ConnectionFailure, NetworkTimeout, ExecutionTimeout, WTimeoutError) as error:
            raise Unavailable(f"the documents of {self._service} do not answer") from error
        except PyMongoError as error:
            if not error.has_error_label("TransientTransactionError"):
                raise
            raise Unavailable(f"somebody else changed the same documents of {self._service}") from error

    @contextmanager
    def transaction(self) -> Iterator[tuple["Documents[dict[str, Any]]", Any]]:
        """Run what is inside as one transaction; pass the second value as `session=` to every call."""
        with self.documents() as documents, documents.client.start_session() as session, session.start_transaction():
            yield documents, session

    def ping(self) -> None:
        """Ask for a sign of life. Raises Unavailable."""
        with self.documents() as documents:
            documents.command("ping")
