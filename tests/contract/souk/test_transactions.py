"""What travels together: the beginning, what nobody needs the answer of, and the end of a transaction."""

from contextlib import suppress

import pytest
from psycopg2.errors import UniqueViolation

from souk.errors import Invalid
from souk.ids import new_id
from souk.postgres import Database, Transaction

pytestmark = pytest.mark.stores
NOTE = "INSERT INTO event_claims (consumer, event_id) VALUES ('transactions', %(id)s)"
NOTED = "SELECT count(*) AS n FROM event_claims WHERE consumer = 'transactions' AND event_id = %(id)s"
NOTHING = "SELECT 1 AS one"


@pytest.fixture
def database(stores: dict[str, str]) -> Database:
    return Database("order")


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is sent, one entry a round trip."""
    sent: list[bytes] = []
    send = Transaction._send

    def sending(self: Transaction, statement: bytes) -> None:
        sent.append(b"; ".join([*self._ahead, statement]))
        send(self, statement)

    monkeypatch.setattr(Transaction, "_send", sending)
    return sent


def noted(database: Database, note: str) -> int:
    with database.reading() as session:
        return int((session.one(NOTED, id=note) or {})["n"])


def test_a_transaction_begins_with_its_first_statement_and_ends_with_what_was_left_for_later(
    database: Database, sent: list[bytes]
) -> None:
    first, second = new_id(), new_id()
    with database.transaction() as tx:
        tx.run(NOTE, id=first)
        tx.later(NOTE, id=second)
    assert [trip.count(b";") for trip in sent] == [1, 1]
    assert (noted(database, first), noted(database, second)) == (1, 1)


def test_a_transaction_that_asks_nothing_sends_nothing(database: Database, sent: list[bytes]) -> None:
    with database.transaction():
        pass
    with suppress(ZeroDivisionError), database.transaction() as tx, tx.savepoint():
        raise ZeroDivisionError
    assert sent == []


def test_a_transaction_that_only_says_something_afterwards_is_over_before(
    database: Database, sent: list[bytes]
) -> None:
    with database.transaction() as tx:
        tx.after(NOTHING)
    assert sent == [b"BEGIN; COMMIT; SELECT 1 AS one"]


def test_what_was_left_for_later_is_undone_with_the_rest(database: Database) -> None:
    note = new_id()
    with suppress(ZeroDivisionError), database.transaction() as tx:
        tx.later(NOTE, id=note)
        tx.one(NOTHING)
        raise ZeroDivisionError
    assert noted(database, note) == 0


def test_what_was_left_for_later_is_done_without_a_transaction_too(database: Database) -> None:
    note = new_id()
    with database.reading() as session:
        session.later(NOTE, id=note)
    assert noted(database, note) == 1


def note_and_leave_what_fails(tx: Transaction, note: str) -> None:
    tx.run(NOTE, id=note)
    tx.later(NOTE, id="no id")


def note_and_go_on_after_a_failure(tx: Transaction, note: str) -> None:
    tx.run(NOTE, id=note)
    with suppress(Invalid):
        tx.run("SELECT 1 / 0")


def test_an_error_of_what_was_left_for_later_undoes_everything(database: Database) -> None:
    note = new_id()
    with pytest.raises(Invalid), database.transaction() as tx:
        note_and_leave_what_fails(tx, note)
    assert noted(database, note) == 0
    assert noted(database, new_id()) == 0  # the connection is good for more


def test_a_savepoint_undoes_what_was_left_for_later_inside_it_and_keeps_what_came_before(database: Database) -> None:
    before, inside, after = new_id(), new_id(), new_id()
    with database.transaction() as tx:
        tx.later(NOTE, id=before)
        with suppress(ZeroDivisionError), tx.savepoint():
            tx.later(NOTE, id=inside)
            raise ZeroDivisionError
        with suppress(ZeroDivisionError), tx.savepoint():
            tx.run(NOTE, id=inside)
            tx.later(NOTE, id=inside)
            raise ZeroDivisionError
        tx.later(NOTE, id=after)
    assert [noted(database, one) for one in (before, inside, after)] == [1, 0, 1]


def test_a_transaction_that_went_on_after_a_failed_statement_is_not_taken_for_committed(database: Database) -> None:
    note = new_id()
    with pytest.raises(RuntimeError), database.transaction() as tx:
        note_and_go_on_after_a_failure(tx, note)
    assert noted(database, note) == 0


def test_what_a_commit_inside_a_savepoint_raises_is_undone_and_the_rest_goes_on(database: Database) -> None:
    before, twice, after = new_id(), new_id(), new_id()
    with database.transaction() as tx:
        tx.run(NOTE, id=before)
        with suppress(UniqueViolation), tx.savepoint():
            tx.later(NOTE, id=twice)
            tx.later(NOTE, id=twice)
            tx.commit()
        tx.later(NOTE, id=after)
    assert [noted(database, one) for one in (before, twice, after)] == [1, 0, 1]


def test_nothing_follows_a_commit(database: Database, sent: list[bytes]) -> None:
    note, late = new_id(), new_id()
    with database.transaction() as tx:
        tx.later(NOTE, id=note)
        tx.commit()
        with pytest.raises(RuntimeError):
            tx.run(NOTE, id=late)
    assert sent[0].count(b";") == 2
    assert (noted(database, note), noted(database, late)) == (1, 0)
