"""Submissions in PostgreSQL, which decides about them; each is kept with the frozen cart and the event that tells of it."""

from collections.abc import Collection
from datetime import datetime

import msgspec

from chalicelib.cart.events import CartSubmitted
from chalicelib.cart.model import Cart, Illegible, Rejection, Verdict
from chalicelib.cart.store import NEWER, legible, rejection_of, rows_of
from chalicelib.cart.submission import Submission
from souk.errors import Unavailable
from souk.events import Event
from souk.plans import Planned
from souk.postgres import Database, Row, Transaction
from souk.records import add_events

SUBMIT = Planned("""
    INSERT INTO submissions (order_id, cart_id, attempt, state, submission, submitted_at, asked_at)
    VALUES (%(order_id)s, %(cart_id)s, %(attempt)s, %(state)s, %(submission)s, %(now)s, %(now)s)
    ON CONFLICT DO NOTHING
""")
FOUND = "SELECT state, submission, rejection, submitted_at FROM submissions WHERE order_id = %(order_id)s"
STANDING = """
    SELECT state, submission, rejection, submitted_at FROM submissions
     WHERE order_id = %(order_id)s OR (cart_id = %(cart_id)s AND state = 'open')
     ORDER BY order_id = %(order_id)s DESC LIMIT 1
"""
SETTLE = Planned("""
    UPDATE submissions
       SET state = CASE state WHEN 'open' THEN %(state)s ELSE state END, settled_at = coalesce(settled_at, %(now)s),
           rejection = CASE state WHEN 'open' THEN %(rejection)s ELSE rejection END
     WHERE order_id = %(order_id)s RETURNING state, submission, rejection, submitted_at
""")
UNDECIDED = "SELECT cart_id::text FROM submissions WHERE state = 'open' AND cart_id = ANY(%(carts)s::uuid[])"
# Each time after twice as long: what waits for something that never comes is held where it was sent, each time once more.
OVERDUE = """
    SELECT order_id::text AS id, submission, submitted_at FROM submissions
     WHERE state = 'open' AND asked_at < %(before)s
       AND asked_at < %(now)s - least(asked_at - submitted_at, interval '6 hours')
     ORDER BY asked_at LIMIT 100 FOR UPDATE SKIP LOCKED
"""
ASKED = "UPDATE submissions SET asked_at = %(now)s WHERE order_id = ANY(%(orders)s::uuid[])"


class KeptSubmissions:
    """Submissions in PostgreSQL; see `submission.Submissions`."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def open(self, cart: Cart, now: datetime) -> Submission:
        """Keep the submission, the frozen cart and the event in one transaction; or return what stands instead."""
        submission = Submission(fact=CartSubmitted.of(cart), submitted_at=now)
        with self._database.transaction() as tx:
            if tx.run(SUBMIT, **_columns(submission)) == 0:
                return _standing(tx, submission.fact)
            tx.later(NEWER, carts=rows_of([cart]), history=None)
            add_events(tx, _told(submission.fact, now))
        return submission

    def find(self, order_id: str) -> Submission | None:
        """Return what was submitted under an order id."""
        with self._database.reading() as session:
            row = session.one(FOUND, order_id=order_id)
        return None if row is None else _submission(row)

    def abandon(self, cart: Cart, now: datetime) -> Submission:
        """Keep a submission that never came as abandoned, or return the one that stands."""
        given_up = Submission(fact=CartSubmitted.of(cart), verdict=Verdict.ABANDONED, submitted_at=now)
        with self._database.transaction() as tx:
            if tx.run(SUBMIT, **_columns(given_up)) == 1:
                return given_up
            return _standing(tx, given_up.fact)

    def settle(
        self, order_id: str, verdict: Verdict, now: datetime, rejection: Rejection | None = None
    ) -> Submission | None:
        """Note the order service's verdict; the first one stands. Return the submission, None where there is none."""
        why = msgspec.json.encode(rejection).decode() if rejection else None
        with self._database.reading() as session:
            row = session.one(SETTLE, order_id=order_id, state=verdict, rejection=why, now=now)
        return None if row is None else _submission(row)

    def undecided(self, cart_ids: Collection[str]) -> set[str]:
        """Return those of these carts that have an open submission."""
        with self._database.reading() as session:
            return {row["cart_id"] for row in session.all(UNDECIDED, carts=list(cart_ids))}

    def ask_again(self, before: datetime, now: datetime) -> int:
        """Tell the order service again what it was told before then and has not decided; return how many.

        Of the same one it is asked each time after twice as long, up to six hours. Raises Illegible, once that is done,
        for those that cannot be read.
        """
        with self._database.transaction() as tx:
            rows = tx.all(OVERDUE, before=before, now=now)
            told, wrong = legible(rows, lambda row: _told(_fact(row), row["submitted_at"]))
            tx.later(ASKED, orders=[row["id"] for row in rows], now=now)
            add_events(tx, *told)
        if wrong:
            raise Illegible(wrong)
        return len(told)


def _columns(submission: Submission) -> Row:
    fact = submission.fact
    return {
        "order_id": fact.order_id,
        "cart_id": fact.cart_id,
        "attempt": fact.attempt,
        "state": submission.verdict,
        "submission": msgspec.json.encode(fact).decode(),
        "now": submission.submitted_at,
    }


def _standing(tx: Transaction, fact: CartSubmitted) -> Submission:
    row = tx.one(STANDING, order_id=fact.order_id, cart_id=fact.cart_id)
    if row is None:
        raise Unavailable("the submission is being decided; send the same again")
    return _submission(row)


def _fact(row: Row) -> CartSubmitted:
    return msgspec.json.decode(row["submission"], type=CartSubmitted)


def _submission(row: Row) -> Submission:
    return Submission(
        fact=_fact(row), verdict=Verdict(row["state"]), rejection=rejection_of(row), submitted_at=row["submitted_at"]
    )


def _told(fact: CartSubmitted, at: datetime) -> Event:
    """Say it under an id of its own each time, as whoever asks again does not want to be taken for a repetition.

    It happened when it was submitted, however often it is told: by then the quote was good or not.
    """
    return Event.of(fact, aggregate=fact.cart_id, version=fact.attempt, now=at)
