"""Customers' carts in PostgreSQL, as they were opened."""

from collections.abc import Collection

from msgspec.structs import asdict

from chalicelib.cart.own import Place
from souk.errors import Invalid
from souk.idempotency import reused
from souk.postgres import Database, Row, unique

KEY = "customers_carts_pkey"
REUSED = reused()
BY_NAME = """
    SELECT cart_id::text, customer_id, market, name, previous::text, opened_at FROM customers_carts
     WHERE customer_id = %(customer_id)s AND market = %(market)s AND name = %(name)s
"""
# Carts of a customer are counted one after another.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%(customer_id)s, 0))"
ENTER = """
    INSERT INTO customers_carts (cart_id, customer_id, market, name, previous, opened_at)
    SELECT %(cart_id)s, %(customer_id)s, %(market)s, %(name)s, %(previous)s, %(opened_at)s
     WHERE (SELECT count(*) FROM customers_carts WHERE customer_id = %(customer_id)s) < %(most)s
    ON CONFLICT DO NOTHING RETURNING cart_id::text, customer_id, market, name, previous::text, opened_at
"""
STANDING = """
    SELECT cart_id::text, customer_id, market, name, previous::text, opened_at FROM customers_carts
     WHERE cart_id = %(cart_id)s OR (customer_id = %(customer_id)s AND market = %(market)s AND name = %(name)s)
"""
OF = """
    SELECT cart_id::text, customer_id, market, name, previous::text, opened_at FROM customers_carts
     WHERE customer_id = %(customer_id)s ORDER BY opened_at, cart_id
"""
FOLLOW = """
    UPDATE customers_carts SET cart_id = %(cart_id)s, previous = %(previous)s, opened_at = %(opened_at)s
     WHERE cart_id = %(before)s
"""
LEAVE = """
    DELETE FROM customers_carts
     USING unnest(%(carts)s::uuid[], %(opened_at)s::timestamptz[]) AS seen (cart_id, opened_at)
     WHERE customers_carts.cart_id = seen.cart_id AND customers_carts.opened_at = seen.opened_at
"""


class KeptRegister:
    """Customers' carts in PostgreSQL; see `own.Register`."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    def find(self, customer_id: str, market: str, name: str) -> Place | None:
        """Return the cart of that name."""
        with self._database.reading() as session:
            return _place(session.one(BY_NAME, customer_id=customer_id, market=market, name=name))

    def enter(self, place: Place, most: int) -> Place | None:
        """Note a cart, or return the one of its name or id that is there; None where there are `most` already."""
        values = asdict(place)
        with self._database.transaction() as tx:
            tx.one(LOCK, customer_id=place.customer_id)
            return _place(tx.one(ENTER, **values, most=most) or tx.one(STANDING, **values))

    def of(self, customer_id: str) -> list[Place]:
        """Return the carts of a customer, in the order in which they were opened."""
        with self._database.reading() as session:
            return [Place(**row) for row in session.all(OF, customer_id=customer_id)]

    def follow(self, before: str, place: Place) -> None:
        """Let a cart take the place, and the name, of the one before it; unless another one has by now.

        Raises Invalid where it has a place of its own.
        """
        with self._database.reading() as session, unique(KEY, REUSED.detail, code=REUSED.kind, kind=Invalid):
            session.run(FOLLOW, **asdict(place), before=before)

    def leave(self, places: Collection[Place]) -> None:
        """Forget places as they were seen; carts may be opened anew under their names."""
        with self._database.reading() as session:
            session.run(LEAVE, carts=[one.cart_id for one in places], opened_at=[one.opened_at for one in places])


def _place(row: Row | None) -> Place | None:
    return None if row is None else Place(**row)
