from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest

from souk.errors import Unavailable
from souk_cli import migrate

pytestmark = pytest.mark.stores


class Trial:
    """A folder of SQL migrations for the catalog's database."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder, self.settings = folder, {"CATALOG_OWNER_DATABASE_URL": settings["CATALOG_OWNER_DATABASE_URL"]}
        self.name = f"trial_{uuid4().hex[:8]}"

    def write(self, number: int, sql: str) -> None:
        (self.folder / f"{number:04}.{self.name}.sql").write_text(sql.format(table=self.name))

    def run(self) -> list[str]:
        return migrate.migrate("catalog", self.settings)

    def rows(self) -> list[tuple[int]]:
        with closing(psycopg2.connect(self.settings["CATALOG_OWNER_DATABASE_URL"])) as session, session.cursor() as sql:
            sql.execute(f"SELECT n FROM {self.name}")  # noqa: S608 - a name made here
            return sql.fetchall()

    def forget(self) -> None:
        with closing(psycopg2.connect(self.settings["CATALOG_OWNER_DATABASE_URL"])) as session, session.cursor() as sql:
            sql.execute(f"DROP TABLE IF EXISTS {self.name}")
            sql.execute("DELETE FROM _yoyo_migration WHERE migration_id LIKE %s", (f"%{self.name}",))
            session.commit()


@pytest.fixture
def trial(stores: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trial]:
    monkeypatch.setattr(migrate, "sources", lambda *_: tmp_path)
    made = Trial(tmp_path, stores)
    yield made
    made.forget()


def test_two_at_once_apply_a_migration_once(trial: Trial) -> None:
    trial.write(1, "CREATE TABLE {table} (n int);")
    trial.write(2, "INSERT INTO {table} VALUES (1);")
    with ThreadPoolExecutor(2) as pool:
        applied = [name for done in (pool.submit(trial.run), pool.submit(trial.run)) for name in done.result()]
    assert applied == [f"postgres 0001.{trial.name}", f"postgres 0002.{trial.name}"]
    assert trial.rows() == [(1,)]
    assert trial.run() == []


def test_a_migration_that_fails_leaves_nothing_and_is_tried_again(trial: Trial) -> None:
    trial.write(1, "CREATE TABLE {table} (n int); INSERT INTO {table} VALUES (1); SELECT no_such_thing;")
    with pytest.raises(psycopg2.errors.UndefinedColumn):
        trial.run()
    trial.write(1, "CREATE TABLE {table} (n int); INSERT INTO {table} VALUES (2);")
    assert trial.run() == [f"postgres 0001.{trial.name}"]
    assert trial.rows() == [(2,)]


def test_a_store_that_does_not_answer_is_unavailable() -> None:
    nowhere = {"CATALOG_OWNER_DATABASE_URL": "postgresql://catalog_owner@127.0.0.1:1/souk_catalog"}
    with pytest.raises(Unavailable, match="postgres of catalog"):
        migrate.migrate("catalog", nowhere, patience=0)
