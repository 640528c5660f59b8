"""What is kept for a while only is removed some at a time, and one row that somebody holds keeps no other."""

from collections.abc import Callable

import msgspec
import pytest

from chalicelib.order import live
from souk import postgres, records, sessions
from souk.clock import utcnow
from souk.postgres import Database
from souk.throttle import KeptFailures

pytestmark = pytest.mark.stores
MADE = """
    INSERT INTO attempts (scope, fingerprint, made_at)
    SELECT gen_random_uuid(), 'swept', now() - interval '25 hours' FROM generate_series(1, %(rows)s)
"""
CLAIMED = """
    INSERT INTO event_claims (consumer, event_id, claimed_at)
    SELECT 'swept', gen_random_uuid(), now() - interval '36 days' FROM generate_series(1, %(rows)s)
"""
SIGNED_IN = """
    WITH opened AS (
         INSERT INTO sessions (id, subject, started_at, used_at, ip, device)
         SELECT gen_random_uuid(), gen_random_uuid(), now(), now(), 'swept', '' FROM generate_series(1, %(rows)s)
         RETURNING id)
    INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
    SELECT 'swept ' || id, id, now() - interval '1 day' FROM opened
"""
FAILED = """
    INSERT INTO sign_in_failures (key, kind, failures, since)
    SELECT 'swept ' || number, 'address', 1, now() - interval '1 day' FROM generate_series(1, %(rows)s) AS number
"""
QUOTED = """
    INSERT INTO quotes (id, bill, recipient, made_at, expires_at)
    SELECT gen_random_uuid(), '{}', '{"swept": true}', now(), now() - interval '8 days'
      FROM generate_series(1, %(rows)s)
"""


def _forget_failures(database: Database) -> None:
    KeptFailures(database).sweep(utcnow())


def _forget_quotes(_: Database) -> None:
    with live.reading() as books:
        books.forget_quotes()


class Swept(msgspec.Struct, frozen=True):
    """Rows that have been kept long enough, and what removes them."""

    service: str
    fill: str
    hold: str
    count: str
    sweep: Callable[[Database], None]

    @classmethod
    def of(cls, service: str, fill: str, rows: str, sweep: Callable[[Database], None]) -> "Swept":
        return cls(
            service, fill, f"SELECT 1 AS held {rows} LIMIT 1 FOR UPDATE", f"SELECT count(*) AS rows {rows}", sweep
        )


KINDS = {
    "attempts": Swept.of("customer", MADE, "FROM attempts WHERE fingerprint = 'swept'", records.sweep),
    "claims": Swept.of("customer", CLAIMED, "FROM event_claims WHERE consumer = 'swept'", records.sweep),
    "tokens": Swept.of("customer", SIGNED_IN, "FROM refresh_tokens WHERE token_hash ^@ 'swept'", sessions.sweep),
    "failures": Swept.of("customer", FAILED, "FROM sign_in_failures WHERE key ^@ 'swept'", _forget_failures),
    "quotes": Swept.of("order", QUOTED, "FROM quotes WHERE recipient ? 'swept'", _forget_quotes),
}


@pytest.fixture(params=KINDS)
def swept(request: pytest.FixtureRequest, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Swept:
    for module in (postgres, sessions):
        monkeypatch.setattr(module, "AT_ONCE", 2)
    return KINDS[request.param]


def test_one_row_that_somebody_holds_keeps_no_other(swept: Swept) -> None:
    somebody, database = Database(swept.service), Database(swept.service)

    def left() -> int:
        with database.reading() as session:
            return int((session.one(swept.count) or {})["rows"])

    with database.reading() as session:
        session.run(swept.fill, rows=7)
    with somebody.transaction() as tx:
        assert tx.one(swept.hold)
        swept.sweep(database)
        assert left() == 1
    swept.sweep(database)
    assert left() == 0
