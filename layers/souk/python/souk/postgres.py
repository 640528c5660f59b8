"""PostgreSQL: one connection per thread and database, made when first used and made anew when it died."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from souk.errors import Invalid, Refused, SoukError, Unavailable
from souk.plans import Plans
from souk.settings import setting
from souk.sockets import hung_up

Row = dict[str, Any]
CONNECT = 2  # seconds; statement time-outs are set on the roles, as a proxy refuses start-up options
_WILD = str.maketrans({"\\": "\\\\", "%": "\\%", "_": "\\_"})
BEGIN, COMMIT = b"BEGIN", b"COMMIT"
AT_ONCE = 5_000  # rows that one statement removes
IDLE = 30.0  # seconds after which a connection is asked whether it still lives: a silent network tells nothing


class Transaction:
    """Runs statements with named parameters; each call but `later` is one round trip.

    What begins, divides and ends a transaction, and what nobody needs the answer of, travels with the statement that
    comes next. Raises Invalid for a value that PostgreSQL cannot keep as what it is meant to be.
    """

    def __init__(self, cursor: Any, plans: Plans, *, begins: bool) -> None:
        self._cursor, self._plans = cursor, plans
        self._begins = begins
        self._ahead = [BEGIN] if begins else []
        self._after: dict[bytes, None] = {}  # in order, each once
        self._sent = 0
        self._points = 0
        self._over = False

    def run(self, sql: str, **values: Any) -> int:
        """Run a statement and return how many rows it touched."""
        self._execute(sql, values)
        return int(self._cursor.rowcount)

    def remove(self, sql: str, **values: Any) -> int:
        """Run a statement that removes at most `limit` rows until none is left, and return how many there were.

        One that removed them all could outlast its time-out, as soon as they were too many, and then for ever.
        """
        removed, some = 0, AT_ONCE
        while some >= AT_ONCE:
            some = self.run(sql, limit=AT_ONCE, **values)
            removed += some
        return removed

    def one(self, sql: str, **values: Any) -> Row | None:
        """Return the first row, or None."""
        self._execute(sql, values)
        row = self._cursor.fetchone()
        return None if row is None else dict(zip(self._names(), row, strict=True))

    def all(self, sql: str, **values: Any) -> list[Row]:
        """Return every row."""
        self._execute(sql, values)
        names = self._names()
        return [dict(zip(names, row, strict=True)) for row in self._cursor.fetchall()]

    def _names(self) -> list[str]:
        return [column[0] for column in self._cursor.description]

    def later(self, sql: str, **values: Any) -> None:
        """Run a statement with the next one, or with the commit; an error of it is raised there."""
        self._goes_on()
        with _kept():
            self._ahead.append(self._plans.written(self._cursor, sql, values))

    def after(self, sql: str, **values: Any) -> None:
        """Run a statement once the transaction has committed, with the commit; the same one only once."""
        self._goes_on()
        with _kept():
            statement = self._plans.written(self._cursor, sql, values)
        self._after[statement] = None

    def _execute(self, sql: str, values: Row) -> None:
        with _kept():
            self._send(self._plans.written(self._cursor, sql, values))

    def _goes_on(self) -> None:
        if self._over:
            raise RuntimeError("the transaction has been committed")

    def _send(self, statement: bytes) -> None:
        self._goes_on()
        together = b"; ".join([*self._ahead, statement])
        self._ahead.clear()
        self._sent += 1
        self._cursor.execute(together)

    def commit(self) -> None:
        """Commit now, with what still waits: inside of a savepoint, so that an error of that can be undone and minded.

        Nothing can follow.
        """
        self.end()
        self._over = True

    def end(self) -> None:
        """Send what still waits, and commit what was done, if anything was and that has not been said.

        Raises RuntimeError where PostgreSQL would undo it instead, as a statement failed and nobody minded.
        """
        if self._over:
            return
        from psycopg2.extensions import TRANSACTION_STATUS_INERROR

        if self._begins and (self._sent or self._after or self._ahead != [BEGIN]):
            if self._cursor.connection.info.transaction_status == TRANSACTION_STATUS_INERROR:
                raise RuntimeError("a statement failed and the transaction went on: it is undone")
            self._ahead.append(COMMIT)
        self._ahead += self._after
        if self._ahead and self._ahead != [BEGIN]:
            with _kept():
                self._send(self._ahead.pop())

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is done inside when it raises, and nothing else of the transaction.

        It is not released: the commit does that. Each has a name of its own, so that one goes back to its own beginning
        and to no other's; one that PostgreSQL never heard of is an error there, which undoes everything.
        """
        from psycopg2.extensions import TRANSACTION_STATUS_IDLE

        self._points += 1
        name = f"inside_{self._points}".encode()
        waiting, sent = len(self._ahead), self._sent
        self._ahead.append(b"SAVEPOINT " + name)
        try:
            yield
        except Exception:
            if self._sent == sent:  # nothing of it has left
                del self._ahead[waiting:]
            elif self._cursor.connection.info.transaction_status != TRANSACTION_STATUS_IDLE:  # it was committed, else
                self._ahead.clear()
                self._send(b"ROLLBACK TO SAVEPOINT " + name)
            raise


@contextmanager
def _kept() -> Iterator[None]:
    from psycopg2 import DataError

    try:
        yield
    except (DataError, ValueError) as error:  # a NUL in a text, an id in a forged cursor that is none, ...
        raise Invalid("a value is not one that can be kept") from error


class Database:
    """A service's database, by the setting that holds its URL."""

    def __init__(self, service: str, name: str = "DATABASE_URL") -> None:
        """Say which database; nothing is read or connected before the first use."""
        self._service, self._name = service, name
        self._threads = threading.local()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run what is inside as one transaction: committed at the end, undone when it raises.

        Raises Unavailable when the database does not answer; whether a commit that got no answer took effect is then
        unknown, which is why what must not happen twice carries a key.
        """
        yield from self._session(begins=True)

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Run single statements, each seeing the newest state, without the round trips of a transaction."""
        yield from self._session(begins=False)

    def ping(self) -> None:
        """Ask for a sign of life. Raises Unavailable."""
        with self.reading() as session:
            session.one("SELECT 1 AS alive")

    def _session(self, *, begins: bool) -> Iterator[Transaction]:
        import psycopg2
        from psycopg2.errors import FeatureNotSupported

        try:
            connection = self._connection()
            with connection.cursor() as cursor:
                session = Transaction(cursor, self._threads.plans, begins=begins)
                yield session
                session.end()
            self._threads.used = time.monotonic()
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as error:
            self._drop()
            raise Unavailable(f"the database of {self._service} does not answer") from error
        except FeatureNotSupported as error:  # a table has other columns now than when a statement was planned
            self._drop()
            raise Unavailable(f"the database of {self._service} has changed") from error
        except BaseException:
            self._undo()
            raise

    def _connection(self) -> Any:
        connection = getattr(self._threads, "connection", None)
        if connection is not None and not self._alive(connection):
            self._drop()
            connection = None
        if connection is None:
            import psycopg2

            url = setting(self._service, self._name)
            plans = Plans()
            connection = psycopg2.connect(
                url, connect_timeout=CONNECT, application_name=f"souk-{self._service}", options=plans.options
            )
            connection.autocommit = True  # what begins and ends a transaction is ours to send
            self._threads.connection, self._threads.plans = connection, plans
            self._threads.used = time.monotonic()
        return connection

    def _alive(self, connection: Any) -> bool:
        """Tell whether a cached connection still lives: nothing to read from an idle one means nobody hung up."""
        import psycopg2

        if connection.closed:
            return False
        try:
            if hung_up(connection.fileno()):
                return False
            if time.monotonic() - self._threads.used > IDLE:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")
        except psycopg2.Error:
            return False
        return True

    def _undo(self) -> None:
        import psycopg2
        from psycopg2.extensions import TRANSACTION_STATUS_IDLE

        connection = getattr(self._threads, "connection", None)
        if connection is None or connection.info.transaction_status == TRANSACTION_STATUS_IDLE:
            return
        try:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
        except psycopg2.Error:
            self._drop()

    def _drop(self) -> None:
        import psycopg2

        connection = getattr(self._threads, "connection", None)
        self._threads.connection = None
        if connection is not None:
            try:
                connection.close()
            except psycopg2.Error:
                return


@contextmanager
def unique(constraint: str, why: str, *, code: str, kind: type[SoukError] = Refused) -> Iterator[None]:
    """Turn the refusal of the unique index of that name into the shop's own, an error of that kind."""
    from psycopg2.errors import UniqueViolation

    try:
        yield
    except UniqueViolation as error:
        if error.diag.constraint_name != constraint:
            raise
        raise kind(why, code=code) from error


def beginning(text: str) -> str:
    """Return the LIKE pattern for what begins with `text`, whose own wildcards are taken literally."""
    return text.translate(_WILD) + "%"
