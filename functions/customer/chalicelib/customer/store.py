"""Customers and their addresses in PostgreSQL."""

from datetime import datetime

import msgspec

from chalicelib.customer.model import Address, Customer
from souk import records
from souk.accounts import Status
from souk.events import Event
from souk.paging import Page, page, unseal
from souk.postgres import Transaction, beginning
from souk.records import KeptAttempts
from souk.signing_in import NOTHING, KeptAccounts

CUSTOMER = "id, email, name, locale, market, status, version, created_at"
ADDRESS = "id, recipient, street, extra, city, region, postal_code, country, phone, version"

ACCOUNT = "SELECT id, status, password_hash FROM customers WHERE lower(email) = lower(%(email)s)"
FIND = f"SELECT {CUSTOMER} FROM customers WHERE id = %(id)s"  # noqa: S608 - the columns are a constant
LOCK = f"{FIND} FOR UPDATE"
HOLD = f"{FIND} FOR SHARE"
LIST = f"""
    SELECT {CUSTOMER} FROM customers
     WHERE (%(after_at)s::timestamptz IS NULL OR (created_at, id) < (%(after_at)s, %(after_id)s::uuid))
       AND (%(prefix)s::text IS NULL OR lower(email) LIKE %(prefix)s OR lower(name) LIKE %(prefix)s)
       AND (%(status)s::text IS NULL OR status = %(status)s)
     ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""  # noqa: S608
ADD = """
    INSERT INTO customers (id, email, name, password_hash, locale, market, status, version, created_at)
    VALUES (%(id)s, %(email)s, %(name)s, %(password_hash)s, %(locale)s, %(market)s, %(status)s, %(version)s,
            %(created_at)s)
    ON CONFLICT DO NOTHING
"""
SAVE = """
    UPDATE customers SET name = %(name)s, locale = %(locale)s, status = %(status)s, version = %(version)s
     WHERE id = %(id)s
"""
ADDRESSES = f"SELECT {ADDRESS} FROM addresses WHERE customer_id = %(customer_id)s ORDER BY created_at, id"  # noqa: S608
FIND_ADDRESS = f"SELECT {ADDRESS} FROM addresses WHERE id = %(id)s AND customer_id = %(customer_id)s"  # noqa: S608
LOCK_ADDRESS = f"{FIND_ADDRESS} FOR UPDATE"
SAVE_ADDRESS = """
    INSERT INTO addresses (id, customer_id, recipient, street, extra, city, region, postal_code, country, phone,
                           version, created_at)
    VALUES (%(id)s, %(customer_id)s, %(recipient)s, %(street)s, %(extra)s, %(city)s, %(region)s, %(postal_code)s,
            %(country)s, %(phone)s, %(version)s, %(now)s)
    ON CONFLICT (id) DO UPDATE
       SET recipient = excluded.recipient, street = excluded.street, extra = excluded.extra, city = excluded.city,
           region = excluded.region, postal_code = excluded.postal_code, country = excluded.country,
           phone = excluded.phone, version = excluded.version
     WHERE addresses.customer_id = excluded.customer_id
"""
REMOVE_ADDRESS = "DELETE FROM addresses WHERE id = %(id)s AND customer_id = %(customer_id)s"


class KeptCustomers(KeptAccounts):
    """Everything the customer service keeps, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        super().__init__(tx, account=ACCOUNT)
        self.attempts = KeptAttempts(tx)

    def permissions(self, subject: str, *, held: bool = False) -> frozenset[str] | None:
        """Return what a customer may do by permission, which is nothing; None where they may not be signed in.

        `held` keeps them from being disabled.
        """
        row = self._tx.one(HOLD if held else FIND, id=subject)
        return NOTHING if row is not None and row["status"] == Status.ACTIVE else None

    def customer(self, customer_id: str) -> Customer | None:
        """Return a customer."""
        row = self._tx.one(FIND, id=customer_id)
        return None if row is None else msgspec.convert(row, Customer)

    def customer_for_change(self, customer_id: str) -> Customer | None:
        """Return a customer, locked until the transaction ends."""
        row = self._tx.one(LOCK, id=customer_id)
        return None if row is None else msgspec.convert(row, Customer)

    def customers(self, *, text: str | None, status: Status | None, limit: int, cursor: str | None) -> Page[Customer]:
        """Return a page of customers, newest first; `text` begins the address or the name."""
        after = unseal(cursor, tuple[datetime, str]) or (None, None)
        prefix = beginning(text.lower()) if text else None
        rows = self._tx.all(LIST, after_at=after[0], after_id=after[1], prefix=prefix, status=status, limit=limit + 1)
        found = [msgspec.convert(row, Customer) for row in rows]
        return page(found, limit, lambda one: (one.created_at, one.id))

    def add_customer(self, customer: Customer, password_hash: str, *events: Event) -> bool:
        """Keep a new customer; False when the email is taken."""
        added = self._tx.run(ADD, **msgspec.structs.asdict(customer), password_hash=password_hash) == 1
        if added:
            records.add_events(self._tx, *events)
        return added

    def save_customer(self, customer: Customer, *events: Event) -> None:
        """Keep a changed customer and put events in the outbox."""
        self._tx.run(SAVE, **msgspec.structs.asdict(customer))
        records.add_events(self._tx, *events)

    def addresses(self, customer_id: str) -> list[Address]:
        """Return a customer's addresses, oldest first."""
        rows = self._tx.all(ADDRESSES, customer_id=customer_id)
        return [msgspec.convert(row, Address) for row in rows]

    def address(self, customer_id: str, address_id: str) -> Address | None:
        """Return one of a customer's addresses."""
        row = self._tx.one(FIND_ADDRESS, id=address_id, customer_id=customer_id)
        return None if row is None else msgspec.convert(row, Address)

    def address_for_change(self, customer_id: str, address_id: str) -> Address | None:
        """Return one of a customer's addresses, locked until the transaction ends."""
        row = self._tx.one(LOCK_ADDRESS, id=address_id, customer_id=customer_id)
        return None if row is None else msgspec.convert(row, Address)

    def save_address(self, customer_id: str, address: Address, now: datetime) -> None:
        """Keep a new or changed address."""
        self._tx.run(SAVE_ADDRESS, **msgspec.structs.asdict(address), customer_id=customer_id, now=now)

    def remove_address(self, customer_id: str, address_id: str) -> bool:
        """Remove an address; False when there is none."""
        return self._tx.run(REMOVE_ADDRESS, id=address_id, customer_id=customer_id) == 1
