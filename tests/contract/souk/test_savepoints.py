"""What a savepoint undoes: all that was done inside it, and nothing else of its transaction."""

from contextlib import suppress

import pytest
from psycopg2 import Error

from souk.errors import Invalid
from souk.postgres import Database, Transaction

pytestmark = pytest.mark.stores
NOTE = "INSERT INTO event_claims (consumer, event_id) VALUES ('savepoints', gen_random_uuid())"
KEPT = "SELECT count(*) AS n FROM event_claims WHERE consumer = 'savepoints' AND claimed_at = now()"


def note(tx: Transaction) -> int:
    """Note something, and return how much this transaction has noted."""
    tx.run(NOTE)
    return kept(tx)


def kept(tx: Transaction) -> int:
    return int((tx.one(KEPT) or {})["n"])


def fail(tx: Transaction) -> None:
    """Note something in a savepoint that fails."""
    with suppress(ZeroDivisionError), tx.savepoint():
        note(tx)
        raise ZeroDivisionError


def test_one_undoes_its_own_and_not_what_came_before(stores: dict[str, str]) -> None:
    with Database("order").transaction() as tx:
        with tx.savepoint():
            note(tx)
        fail(tx)
        with tx.savepoint():
            note(tx)
        assert note(tx) == 3


def test_an_outer_one_undoes_the_inner_ones_that_succeeded(stores: dict[str, str]) -> None:
    with Database("order").transaction() as tx:
        note(tx)
        with suppress(ZeroDivisionError), tx.savepoint():
            note(tx)
            fail(tx)
            with tx.savepoint():
                note(tx)
            raise ZeroDivisionError
        assert kept(tx) == 1
        with tx.savepoint():
            fail(tx)
            assert note(tx) == 2


def test_one_that_postgresql_never_heard_of_undoes_no_other_but_everything(stores: dict[str, str]) -> None:
    with suppress(Error), Database("order").transaction() as tx:
        with tx.savepoint():
            note(tx)
        tx.later("SELECT 1 / 0")
        with suppress(ZeroDivisionError), tx.savepoint():
            tx.run(NOTE)
        raise AssertionError("it went on")


def test_nothing_is_undone_once_it_was_committed(stores: dict[str, str]) -> None:
    database = Database("order")
    with suppress(Invalid), database.transaction() as tx, tx.savepoint():
        note(tx)
        tx.after("SELECT 1 / 0")
        tx.commit()
    with database.reading() as session:
        assert session.one("SELECT 1 AS alive") == {"alive": 1}
