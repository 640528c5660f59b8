"""Sends again what PostgreSQL outboxes keep after sending."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from souk.clock import utcnow
from souk.errors import Refused
from souk.postgres import Database
from souk_cli import connections
from souk_local.services import SQL_SERVICES

KEPT = timedelta(days=7)
SLACK = timedelta(hours=1)  # whoever says seven days means this moment's, or that of a moment ago
BATCH = 5_000
DATABASE_TIME = "SELECT clock_timestamp() AS now"
MARK_UNSENT = """
    UPDATE outbox
       SET sent_at = NULL
     WHERE id IN (
           SELECT id FROM outbox
            WHERE sent_at < %(began)s AND created_at >= %(since)s AND (%(kinds)s::text[] IS NULL OR type = ANY(%(kinds)s))
            ORDER BY sent_at
            LIMIT %(batch)s
              FOR UPDATE)
"""


def replay(
    services: Sequence[str] = (), *, since: datetime | None = None, kinds: Sequence[str] = (), stage: str | None = None
) -> Mapping[str, int]:
    """Mark what was sent since then as unsent, for a relay to send it again; return how many events of each service.

    Raises Refused for what is older than consumers remember.
    """
    first = oldest(since, utcnow())
    connections.adopt(stage, only=connections.of_bridge)
    known = [one for one in SQL_SERVICES if connections.is_given(f"{one.upper()}_RELAY_DATABASE_URL", os.environ)]
    return {one: _mark(one, first, kinds) for one in services or known}


def oldest(since: datetime | None, now: datetime) -> datetime:
    """Return the moment from which on events are replayed. Raises Refused for one too long ago."""
    limit = now - KEPT
    if since is not None and since < limit - SLACK:
        raise Refused(f"events older than {KEPT.days} days are not replayed: use `souk resync` for what they led to")
    return max(since or limit, limit)


def _mark(service: str, since: datetime, kinds: Sequence[str]) -> int:
    database = Database(service, "RELAY_DATABASE_URL")
    with database.reading() as session:
        now = session.one(DATABASE_TIME) or {}
    marked = 0
    while True:  # what a relay sends again meanwhile has a newer time, and is not marked twice
        with database.transaction() as tx:
            found = tx.run(MARK_UNSENT, began=now["now"], since=since, kinds=list(kinds) or None, batch=BATCH)
        marked += found
        if found < BATCH:
            return marked
