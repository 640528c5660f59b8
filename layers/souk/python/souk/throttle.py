"""Throttling of sign-ins: so many failures per account and per address in a while, then a wait."""

import hashlib
import math
from datetime import datetime, timedelta
from typing import Protocol

from souk.errors import TooMany
from souk.postgres import Database

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 5
PER_ADDRESS = 50

SEEN = "SELECT kind, failures, since FROM sign_in_failures WHERE key = ANY(%(keys)s) AND since > %(oldest)s"
COUNT = """
    INSERT INTO sign_in_failures (key, kind, failures, since)
    SELECT key, kind, 1, %(now)s FROM unnest(%(keys)s::text[], %(kinds)s::text[]) AS f (key, kind) ORDER BY key
    ON CONFLICT (key) DO UPDATE
       SET failures = CASE WHEN sign_in_failures.since > %(oldest)s THEN sign_in_failures.failures + 1 ELSE 1 END,
           since = CASE WHEN sign_in_failures.since > %(oldest)s THEN sign_in_failures.since ELSE %(now)s END
"""
SWEEP = "DELETE FROM sign_in_failures WHERE since <= %(oldest)s"
FORGET = "DELETE FROM sign_in_failures WHERE key = %(key)s"
KINDS = {"account": PER_ACCOUNT, "address": PER_ADDRESS}


class Failures(Protocol):
    """What counts failed sign-ins."""

    def check(self, account: str, address: str, now: datetime) -> None:
        """Raise TooMany while the account or the address has failed too often."""

    def count(self, account: str, address: str, now: datetime) -> None:
        """Count a failure."""

    def forget(self, account: str) -> None:
        """Forget an account's failures after a success."""


def wait_of(kind: str, failures: int, since: datetime, now: datetime) -> int:
    """Return how many seconds to wait after so many failures since then; 0 for none."""
    if failures < KINDS[kind]:
        return 0
    return max(1, math.ceil((since + WINDOW - now).total_seconds()))


class KeptFailures:
    """Failures counted in PostgreSQL (table `sign_in_failures`), each in a transaction of its own: they outlive the sign-in's."""

    def __init__(self, database: Database) -> None:
        """Count in `database`."""
        self._database = database

    def check(self, account: str, address: str, now: datetime) -> None:
        """Raise TooMany while the account or the address has failed too often."""
        with self._database.reading() as session:
            rows = session.all(SEEN, keys=_keys(account, address), oldest=now - WINDOW)
        wait = max((wait_of(row["kind"], row["failures"], row["since"], now) for row in rows), default=0)
        if wait:
            raise TooMany("too many failed sign-ins", retry_after=wait)

    def count(self, account: str, address: str, now: datetime) -> None:
        """Count a failure."""
        with self._database.reading() as session:
            session.run(COUNT, keys=_keys(account, address), kinds=list(KINDS), now=now, oldest=now - WINDOW)

    def forget(self, account: str) -> None:
        """Forget an account's failures after a success."""
        with self._database.reading() as session:
            session.run(FORGET, key=_key("account", account))

    def sweep(self, now: datetime) -> None:
        """Remove failures that count no more."""
        with self._database.reading() as session:
            session.run(SWEEP, oldest=now - WINDOW)


def _keys(account: str, address: str) -> list[str]:
    return [_key("account", account), _key("address", address)]


def _key(kind: str, value: str) -> str:
    """Return a key that counts and doesn't tell who."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
