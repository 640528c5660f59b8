"""A session of one's own plans a statement once, and bears that tables change under it."""

from collections.abc import Iterator

import pytest

from souk.errors import Invalid, Unavailable
from souk.ids import new_id
from souk.plans import OWN, SESSIONS, Planned
from souk.postgres import Database, Transaction

pytestmark = pytest.mark.stores
PREPARED = "SELECT count(*) AS number FROM pg_prepared_statements WHERE name LIKE 'souk_%%'"


@pytest.fixture
def database(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    monkeypatch.setenv(SESSIONS, OWN)
    database = Database("order", "OWNER_DATABASE_URL")
    with database.reading() as session:
        session.run("DROP TABLE IF EXISTS planned")  # of a run that was killed
        session.run("CREATE TABLE planned (id uuid PRIMARY KEY)")
    yield database
    with database.reading() as session:
        session.run("DROP TABLE planned")


def test_a_plan_outlives_the_transaction_it_was_made_in(database: Database) -> None:
    found = Planned("SELECT id::text FROM planned WHERE id = ANY(%(ids)s::uuid[])")
    one = new_id()
    with pytest.raises(Invalid), database.transaction() as tx:
        _find_and_fail(tx, found, one)
    with database.reading() as session:
        assert session.all(found, ids=[one, new_id()]) == []
        assert session.all(found, ids=[]) == []
        assert session.one(PREPARED) == {"number": 1}


def _find_and_fail(tx: Transaction, found: Planned, one: str) -> None:
    tx.run("INSERT INTO planned VALUES (%(id)s)", id=one)
    assert tx.all(found, ids=[one]) == [{"id": one}]
    tx.run("INSERT INTO planned VALUES (%(id)s)", id="no id")


def test_a_table_that_has_changed_is_planned_anew(database: Database) -> None:
    everything = Planned("SELECT * FROM planned")
    with database.reading() as session:
        assert session.all(everything) == []
    with Database("order", "OWNER_DATABASE_URL").reading() as other:
        other.run("ALTER TABLE planned ADD COLUMN title text")
    with pytest.raises(Unavailable), database.reading() as session:
        session.all(everything)
    with database.reading() as session:
        assert session.all(everything) == []
