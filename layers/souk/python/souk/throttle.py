"""Throttling of sign-ins: so many failures per account and per address in a while, then a wait."""

import hashlib
import math
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Protocol

from souk.errors import TooMany
from souk.postgres import Database

WINDOW = timedelta(minutes=15)
PER_ACCOUNT = 5
PER_ADDRESS = 50

COUNT = """
    INSERT INTO sign_in_failures AS kept (key, kind, failures, since)
    SELECT key, kind, 1, %(now)s FROM unnest(%(keys)s::text[], %(kinds)s::text[]) AS f (key, kind) ORDER BY key
    ON CONFLICT (key) DO UPDATE
       SET failures = CASE WHEN kept.since > %(oldest)s THEN kept.failures + 1 ELSE 1 END,
           since = CASE WHEN kept.since > %(oldest)s THEN kept.since ELSE %(now)s END
 RETURNING kind, failures, since
"""
# Both lock their rows in key order first, as COUNT does: tries at the same time would wait for one another crosswise.
UNCOUNT = """
    WITH locked AS (SELECT key FROM sign_in_failures WHERE key = ANY(%(keys)s) ORDER BY key FOR UPDATE)
    UPDATE sign_in_failures SET failures = failures - 1
     WHERE key = ANY(%(keys)s) AND failures > 0 AND (SELECT count(*) FROM locked) > 0
"""
SWEEP = """
    DELETE FROM sign_in_failures
     WHERE key IN (SELECT key FROM sign_in_failures WHERE since <= %(oldest)s LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
FORGET = """
    WITH locked AS (
             SELECT key FROM sign_in_failures WHERE key IN (%(account)s, %(address)s) ORDER BY key FOR UPDATE
         ),
         forgotten AS (
             DELETE FROM sign_in_failures WHERE key = %(account)s AND (SELECT count(*) FROM locked) > 0
         )
    UPDATE sign_in_failures SET failures = failures - 1
     WHERE key = %(address)s AND failures > 0 AND (SELECT count(*) FROM locked) > 0
"""
KINDS = {"account": PER_ACCOUNT, "address": PER_ADDRESS}


class Failures(Protocol):
    """What counts failed sign-ins."""

    def admit(self, account: str, address: str, now: datetime) -> None:
        """Count a try as failed, before it is known: many at once are counted too. Raises TooMany after too many."""

    def forgive(self, account: str, address: str) -> None:
        """Forget an account's failures after a success, which was none of the address's either."""


def wait_of(kind: str, failures: int, since: datetime, now: datetime) -> int:
    """Return how many seconds to wait when this is the n-th failure since then; 0 for none."""
    if failures <= KINDS[kind]:
        return 0
    return max(1, math.ceil((since + WINDOW - now).total_seconds()))


class KeptFailures:
    """Failures counted in PostgreSQL (table `sign_in_failures`), each in a transaction of its own: they outlive the sign-in's."""

    def __init__(self, database: Database) -> None:
        """Count in `database`."""
        self._database = database

    def admit(self, account: str, address: str, now: datetime) -> None:
        """Count a try as failed, before it is known: many at once are counted too. Raises TooMany after too many."""
        keys = [_key("account", account), _key("address", network(address))]
        with self._database.reading() as session:
            rows = session.all(COUNT, keys=keys, kinds=list(KINDS), now=now, oldest=now - WINDOW)
            wait = max(wait_of(row["kind"], row["failures"], row["since"], now) for row in rows)
            if wait:  # nothing was tried, so whoever shares the address has nothing to pay for
                session.run(UNCOUNT, keys=keys)
                raise TooMany("too many failed sign-ins", retry_after=wait)

    def forgive(self, account: str, address: str) -> None:
        """Forget an account's failures after a success, which was none of the address's either."""
        with self._database.reading() as session:
            session.run(FORGET, account=_key("account", account), address=_key("address", network(address)))

    def sweep(self, now: datetime) -> None:
        """Remove failures that count no more."""
        with self._database.reading() as session:
            session.remove(SWEEP, oldest=now - WINDOW)


def network(address: str) -> str:
    """Return what one client holds: of IPv6, where everybody has more addresses than can be counted, the first half."""
    try:
        return str(ip_network((address, 64), strict=False)) if ":" in address else address
    except ValueError:
        return address


def _key(kind: str, value: str) -> str:
    """Return a key that counts and doesn't tell who."""
    return hashlib.sha256(f"{kind}:{value}".encode()).hexdigest()
