"""The outbox of a PostgreSQL database, taken by its flag: ids become visible out of order."""

from __future__ import annotations

from collections.abc import Callable

from souk.bells import Listener
from souk.plans import Planned
from souk.postgres import Database
from souk.records import OUTBOX
from souk_cli.bridge.outbox import Lag, Publish, message
from souk_cli.bridge.patience import BUSY

RELAY = "RELAY_DATABASE_URL"
BATCH = 500
PURGED = 2_000
# Ordered, so that it is answered by the index of what is unsent: without, rows sent long ago may be read one by one.
OLDEST_UNSENT = Planned("SELECT id FROM outbox WHERE sent_at IS NULL ORDER BY created_at, id LIMIT 1")
TAKE = Planned("""
    SELECT id::text, type, event FROM outbox
     WHERE sent_at IS NULL
     ORDER BY created_at, id
     LIMIT %(batch)s
       FOR UPDATE SKIP LOCKED
""")
# A mark that is lost with the server is no loss: what was sent is sent again, and recognised. So no mark waits for the disk.
LOOSELY = "SET LOCAL synchronous_commit = off"
MARK_SENT = Planned("UPDATE outbox SET sent_at = clock_timestamp() WHERE id = ANY(%(ids)s::uuid[])")
LAG = """
    SELECT count(*) AS unsent, coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::float8 AS oldest
      FROM outbox
     WHERE sent_at IS NULL
"""
PURGE = """
    DELETE FROM outbox
     WHERE id IN (SELECT id FROM outbox WHERE sent_at < now() - interval '7 days' LIMIT %(batch)s FOR UPDATE SKIP LOCKED)
"""


class RowOutbox:
    """One service's outbox, by the relay's own role."""

    busy = BUSY

    def __init__(self, service: str) -> None:
        """Say whose."""
        self.name, self.service = f"{service} rows", service
        self._database = Database(service, RELAY)
        self._probably = False  # there is something

    def listen(self, wake: Callable[[], None]) -> Callable[[], bool]:
        """Hear of each transaction that left something."""
        listener = Listener(self.service, OUTBOX, lambda _: wake(), name=RELAY)
        listener.start()
        return lambda: listener.hears

    def pass_on(self, publish: Publish) -> int:
        """Send a batch; the rows stay locked meanwhile, so that other relays take others."""
        if not (self._probably or self._anything()):
            return 0
        with self._database.transaction() as tx:
            tx.later(LOOSELY)
            rows = tx.all(TAKE, batch=BATCH)
            self._probably = bool(rows)
            if not rows:
                return 0
            sent = publish([message(row["id"], row["type"], row["event"]) for row in rows])
            tx.later(MARK_SENT, ids=sorted(sent))
            return len(sent)

    def _anything(self) -> bool:
        with self._database.reading() as session:
            return session.one(OLDEST_UNSENT) is not None

    def lag(self) -> Lag:
        """Count what is unsent."""
        with self._database.reading() as session:
            found = session.one(LAG) or {"unsent": 0, "oldest": 0.0}
            return Lag(unsent=found["unsent"], oldest_seconds=found["oldest"])

    def purge(self) -> int:
        """Remove rows seven days after they were sent."""
        with self._database.transaction() as tx:
            return tx.run(PURGE, batch=PURGED)
