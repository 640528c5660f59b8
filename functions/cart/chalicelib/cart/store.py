"""What the cart service keeps in PostgreSQL of carts: each as Redis last had it."""

from collections.abc import Callable, Collection, Iterable
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from chalicelib.cart.events import CartAbandoned
from chalicelib.cart.keeping import Keeping
from chalicelib.cart.live_cart import body_of, cart_of
from chalicelib.cart.model import Cart, Illegible, Rejection, State, Verdict
from souk.errors import Missing, Unavailable
from souk.events import Event
from souk.plans import Planned
from souk.postgres import Database, Row
from souk.records import add_events

Read = TypeVar("Read")
FIND = "SELECT body FROM carts WHERE id = %(id)s"
# A new row is the writer's from the beginning: one that was nobody's could be compared with a server after its heir.
NEWER = Planned("""
    INSERT INTO carts AS kept (id, version, state, customer_id, skus, body, history, changed_at)
    SELECT id, version, state, customer_id, skus, body, (SELECT history FROM histories WHERE history = %(history)s),
           changed_at
      FROM jsonb_to_recordset(%(carts)s::jsonb) AS given (
           id uuid, version bigint, state text, customer_id text, skus text[], body text, changed_at timestamptz)
     ORDER BY id
    ON CONFLICT (id) DO UPDATE
       SET version = excluded.version, state = excluded.state, customer_id = excluded.customer_id,
           skus = excluded.skus, body = excluded.body, changed_at = excluded.changed_at
     WHERE kept.version < excluded.version
""")
# A server that lost the failover may still take changes for a while; what was compared with its heir is not its own now.
NEWER_OF_HISTORY = Planned(f"{NEWER} AND (kept.history IS NULL OR kept.history = %(history)s)")
SAME = """
    SELECT 1 AS same FROM carts
     WHERE id = %(id)s AND version = %(version)s AND (history IS NULL OR history = %(history)s)
"""
THERE = Planned("SELECT 1 AS there FROM carts WHERE id = %(id)s")
KNOWN = "INSERT INTO histories (history) VALUES (%(history)s) ON CONFLICT DO NOTHING"
# Nobody's row comes before all; a history that this statement does not see yet was noted after it began, and is later.
EARLIER = """
           coalesce((SELECT number FROM histories WHERE history = kept.history), CASE WHEN kept.history IS NULL THEN 0 END)
           <= (SELECT number FROM histories WHERE history = %(history)s)
"""
NEWER_OF_EARLIER = f"{NEWER} AND {EARLIER}"
COMPARED = f"""
    UPDATE carts AS kept SET history = %(history)s
     WHERE id = %(id)s AND {EARLIER}
    RETURNING body
"""  # noqa: S608 - made of constants
# What Redis has forgotten by its time comes back from here no more, though the row may be there for some minutes.
COMPARED_ALONE = Planned(f"""
    UPDATE carts AS kept SET history = %(history)s
     WHERE id = %(id)s AND {EARLIER}
       AND (state = 'frozen'
           OR changed_at > now() - CASE WHEN customer_id IS NULL THEN %(guests)s::interval ELSE %(customers)s::interval END)
    RETURNING body
""")  # noqa: S608 - made of constants
IS_OF_LATER = Planned(f"""
    SELECT 1 AS later FROM carts AS kept
     WHERE id = %(id)s AND ({EARLIER}) IS NOT TRUE
""")  # noqa: S608 - made of constants
ABANDONED = """
    UPDATE carts SET abandoned = version WHERE id IN (
           SELECT id FROM carts
            WHERE state = 'open' AND skus <> '{}' AND abandoned IS DISTINCT FROM version AND changed_at < %(before)s
            ORDER BY changed_at LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING id::text, body
"""
# Whatever was ordered, or may still be, is kept for ever.
EXPIRED = """
    DELETE FROM carts WHERE id IN (
           SELECT id FROM carts
            WHERE changed_at < greatest(%(guests)s, %(customers)s)
              AND changed_at < CASE WHEN customer_id IS NULL THEN %(guests)s ELSE %(customers)s END
              AND state <> 'frozen'
              AND NOT EXISTS (SELECT 1 FROM submissions WHERE cart_id = carts.id AND submissions.state IN ('open', 'placed'))
            LIMIT 500 FOR UPDATE SKIP LOCKED)
"""
LAST = (
    "SELECT order_id, attempt, state, rejection FROM submissions WHERE cart_id = %(id)s ORDER BY attempt DESC LIMIT 1"
)


class KeptCarts:
    """PostgreSQL's side of the carts; see `live_cart.Backing`."""

    def __init__(self, database: Database, keeping: Callable[[], Keeping] = Keeping) -> None:
        """Keep them in `database`, for as long as `keeping` says."""
        self._database = database
        self._keeping = keeping
        self._histories: set[str] = set()

    def find(self, cart_id: str) -> Cart:
        """Return a cart as it was last kept here. Raises Missing."""
        with self._database.reading() as session:
            row = session.one(FIND, id=cart_id)
        if row is None:
            raise Missing("there is no such cart")
        return cart_of(row["body"])

    def upsert_all(self, carts: Collection[Cart], history: str | None) -> int:
        """Keep different carts that a server of `history` told of, in one round trip; return how many were kept.

        Where the row is newer, or that server's no more, it stays.
        """
        with self._database.reading() as session:
            return session.run(NEWER_OF_HISTORY, carts=rows_of(carts), history=history)

    def keep(self, cart: Cart, history: str, before: str) -> bool:
        """Keep a cart that a server of `history` may lose; False when the row is newer, or that server's no more."""
        self._note(before, history)
        with self._database.transaction() as tx:
            if tx.run(NEWER_OF_HISTORY, carts=rows_of([cart]), history=history) == 1:
                return True
            return tx.one(SAME, id=cart.id, version=cart.version, history=history) is not None

    def compare(self, cart_id: str, held: Cart | None, history: str, before: str) -> Cart | None:
        """Keep the newer of both, note that it is of `history` from now on, and return it; None for neither.

        Raises Unavailable when it was compared with an heir of that server: what it holds is not the cart any more.
        """
        self._note(before, history)
        if held is None and not self._has(cart_id):
            return None
        with self._database.transaction() as tx:
            if held is not None:
                tx.run(NEWER_OF_EARLIER, carts=rows_of([held]), history=history)
                row = tx.one(COMPARED, id=cart_id, history=history)
            else:
                row = tx.one(COMPARED_ALONE, id=cart_id, history=history, **self._lasts())
            if row is None and tx.one(IS_OF_LATER, id=cart_id, history=history) is not None:
                self._histories.clear()  # should the table be another one by now
                raise Unavailable("another Redis has the carts by now")
        return None if row is None else cart_of(row["body"])

    def tell_abandoned(self, *, before: datetime, now: datetime) -> int:
        """Tell of open carts with lines that did not change since then, of each version once; return how many.

        Raises Illegible, once that is done, for those that cannot be read.
        """
        with self._database.transaction() as tx:
            carts, wrong = legible(tx.all(ABANDONED, before=before), lambda row: cart_of(row["body"]))
            events = [CartAbandoned.of(cart) for cart in carts if cart.wanted]
            versions = {cart.id: cart.version for cart in carts}
            told = (Event.of(one, aggregate=one.cart_id, version=versions[one.cart_id], now=now) for one in events)
            add_events(tx, *told)
        if wrong:
            raise Illegible(wrong)
        return len(carts)

    def forget(self, *, guests: datetime, customers: datetime) -> int:
        """Forget carts that did not change since then, but for what was ordered or may be; return how many."""
        with self._database.reading() as session:
            return session.run(EXPIRED, guests=guests, customers=customers)

    def _has(self, cart_id: str) -> bool:
        """Look first, as most who ask for a cart that is nowhere are about to open it."""
        with self._database.reading() as session:
            return session.one(THERE, id=cart_id) is not None

    def _lasts(self) -> Row:
        return {"guests": self._keeping().guests, "customers": self._keeping().customers}

    def _note(self, *histories: str) -> None:
        """Note histories in their order, once per process: whoever comes later is the heir."""
        for history in histories:
            if history and history not in self._histories:
                with self._database.reading() as session:
                    session.run(KNOWN, history=history)
                self._histories.add(history)

    def mend(self, cart: Cart) -> Cart:
        """Return the cart as its last submission would have it: settled, and counting on from its attempt."""
        with self._database.reading() as session:
            last = session.one(LAST, id=cart.id)
        if last is None:
            return cart
        if cart.state is State.OPEN and cart.attempt < last["attempt"]:
            return replace(cart, attempt=last["attempt"])
        return cart.settled(str(last["order_id"]), Verdict(last["state"]), rejection_of(last))


def rows_of(carts: Collection[Cart]) -> str:
    """Return carts as the rows that PostgreSQL is given, in JSON."""
    rows = [
        {
            "id": cart.id,
            "version": cart.version,
            "state": cart.state,
            "customer_id": cart.holder.customer_id,
            "skus": [line.sku for line in cart.lines],
            "body": body_of(cart),
            "changed_at": cart.changed_at,
        }
        for cart in carts
    ]
    return msgspec.json.encode(rows).decode()


def legible(rows: Iterable[Row], read: Callable[[Row], Read]) -> tuple[list[Read], list[str]]:
    """Return what is read of rows, and the ids of those that cannot be read."""
    found: list[Read] = []
    wrong: list[str] = []
    for row in rows:
        try:
            found.append(read(row))
        except msgspec.MsgspecError:
            wrong.append(row["id"])
    return found, wrong


def rejection_of(row: Row) -> Rejection | None:
    """Return the reasons that a submission was turned down for."""
    return None if row["rejection"] is None else msgspec.json.decode(row["rejection"], type=Rejection)
