"""Bringing in customers from elsewhere, many at a time."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from chalicelib.customer.events import CustomerRegistered
from souk import records
from souk.accounts import Email, Name
from souk.events import Event
from souk.ids import id_of
from souk.markets import DEFAULT
from souk.passwords import hashed
from souk.postgres import Database

ADD_MANY = """
    INSERT INTO customers (id, email, name, password_hash, locale, market, status, version, created_at)
    SELECT id, email, name, %(password_hash)s, 'en', %(market)s, 'active', 1, %(now)s
      FROM unnest(%(ids)s::uuid[], %(emails)s::text[], %(names)s::text[]) AS c (id, email, name)
    ON CONFLICT DO NOTHING RETURNING id
"""


class NewCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """A customer from elsewhere; the email address is the key that a repeated import finds it by."""

    email: Email
    name: Name


def customer_id(email: str) -> str:
    """Return the id that an imported customer gets."""
    return id_of("customer", email.lower())


def import_customers(batch: Sequence[NewCustomer], password: str, *, now: datetime, database: Database) -> int:
    """Keep those of `batch` that are new, with one password for all of them; return how many were new.

    One transaction, two round trips and one hash, however many customers.
    """
    with database.transaction() as tx:
        rows = tx.all(
            ADD_MANY,
            ids=[customer_id(one.email) for one in batch],
            emails=[one.email for one in batch],
            names=[one.name for one in batch],
            password_hash=hashed(password),
            market=DEFAULT,
            now=now,
        )
        new = [str(row["id"]) for row in rows]
        records.add_events(tx, *(_registered(one, now) for one in new))
    return len(new)


def _registered(one: str, now: datetime) -> Event:
    return Event.of(CustomerRegistered(customer_id=one), aggregate=one, version=1, now=now)
