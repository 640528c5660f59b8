"""What a savepoint undoes: all that was done inside it, and nothing else of its transaction."""

from contextlib import suppress

import pytest

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
