"""What every service with a PostgreSQL database keeps beside its own tables: outbox, claimed events, answers given.

The tables stand in `layers/souk/migrations/`; each function takes the transaction of the effect it belongs to.
"""

from contextlib import AbstractContextManager

from souk.events import Event
from souk.idempotency import Attempt, reused
from souk.plans import Planned
from souk.postgres import Database, Transaction

ADD_EVENTS = Planned("""
    INSERT INTO outbox (id, type, event)
    SELECT * FROM unnest(%(ids)s::uuid[], %(types)s::text[], %(events)s::text[])
""")
OUTBOX = "outbox"  # the channel on which the relay hears that there is something
RING = f"NOTIFY {OUTBOX}"
CLAIM_ATTEMPT = """
    INSERT INTO attempts (scope, fingerprint) VALUES (%(scope)s, %(fingerprint)s)
    ON CONFLICT (scope) DO UPDATE
       SET fingerprint = excluded.fingerprint, outcome = NULL, made_at = now()
     WHERE attempts.made_at < now() - interval '24 hours'
"""
KEPT_ATTEMPT = "SELECT fingerprint, outcome FROM attempts WHERE scope = %(scope)s"
REMEMBER = "UPDATE attempts SET outcome = %(outcome)s WHERE scope = %(scope)s"
SWEEP_CLAIMS = """
    DELETE FROM event_claims
     WHERE (consumer, event_id) IN (
           SELECT consumer, event_id FROM event_claims WHERE claimed_at < now() - interval '35 days'
            LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""
SWEEP_ATTEMPTS = """
    DELETE FROM attempts
     WHERE scope IN (
           SELECT scope FROM attempts WHERE made_at < now() - interval '24 hours'
            LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
"""


def add_events(tx: Transaction, *events: Event) -> None:
    """Put events into the outbox of this transaction; the relay sends them after the commit."""
    if events:
        bodies = [event.encoded().decode() for event in events]
        tx.later(ADD_EVENTS, ids=[event.id for event in events], types=[event.type for event in events], events=bodies)
        tx.after(RING)


def sweep(database: Database) -> None:
    """Remove claims after 35 days and answers after 24 hours."""
    with database.reading() as session:
        session.remove(SWEEP_CLAIMS)
        session.remove(SWEEP_ATTEMPTS)


class KeptAttempts:
    """Answers kept in the transaction of their effect; see `souk.idempotency.Attempts`."""

    def __init__(self, tx: Transaction) -> None:
        """Keep them in `tx`."""
        self._tx = tx

    def recall(self, attempt: Attempt) -> bytes | None:
        """Claim `attempt` (waiting for a parallel one to end), or return the answer it got."""
        if self._tx.run(CLAIM_ATTEMPT, scope=attempt.scope, fingerprint=attempt.fingerprint):
            return None
        kept = self._tx.one(KEPT_ATTEMPT, scope=attempt.scope)
        if kept is None or kept["outcome"] is None:
            return None
        if kept["fingerprint"] != attempt.fingerprint:
            raise reused()
        return bytes(kept["outcome"])

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what is done inside when it raises, and nothing else."""
        return self._tx.savepoint()

    def remember(self, attempt: Attempt, outcome: bytes) -> None:
        """Keep the answer."""
        self._tx.later(REMEMBER, scope=attempt.scope, outcome=outcome)
