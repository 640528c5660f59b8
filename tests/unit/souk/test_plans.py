"""Statements that are planned once: how they are prepared, and when."""

import pytest

from souk.plans import OWN, SESSIONS, Planned, Plans

SQL = Planned("SELECT * FROM things WHERE id = ANY(%(ids)s::uuid[]) AND (%(at)s IS NULL OR at < %(at)s::timestamptz)")


class Cursor:
    def __init__(self) -> None:
        self.run: list[str] = []

    def execute(self, sql: str) -> None:
        self.run.append(sql)

    def mogrify(self, sql: str, values: object) -> bytes:
        del values
        return sql.encode()


def test_values_are_numbered_and_have_the_type_they_are_cast_to() -> None:
    assert SQL.prepare("one") == (
        "PREPARE one (uuid[], timestamptz) AS"
        " SELECT * FROM things WHERE id = ANY($1::uuid[]) AND ($2 IS NULL OR at < $2::timestamptz)"
    )
    assert SQL.execute("one") == "EXECUTE one (%(ids)s::uuid[], %(at)s::timestamptz)"


def test_a_statement_without_values_is_prepared_too() -> None:
    assert (Planned("SELECT 1").prepare("one"), Planned("SELECT 1").execute("one")) == (
        "PREPARE one AS SELECT 1",
        "EXECUTE one",
    )


def test_a_session_of_ones_own_prepares_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SESSIONS, OWN)
    plans, cursor = Plans(), Cursor()
    sent = [plans.written(cursor, sql, {}).split()[:2] for sql in (SQL, SQL, Planned("SELECT 1"), "SELECT 2")]
    assert sent == [[b"EXECUTE", b"souk_1"], [b"EXECUTE", b"souk_1"], [b"EXECUTE", b"souk_2"], [b"SELECT", b"2"]]
    assert [sql.split()[:2] for sql in cursor.run] == [["PREPARE", "souk_1"], ["PREPARE", "souk_2"]]
    assert "force_generic_plan" in str(plans.options)


def test_a_session_that_a_proxy_shares_prepares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SESSIONS, raising=False)
    plans, cursor = Plans(), Cursor()
    assert plans.written(cursor, SQL, {}) == SQL.encode()
    assert (cursor.run, plans.options) == ([], None)
