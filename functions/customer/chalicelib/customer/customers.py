"""Customers as they register and see themselves, and as staff manage them."""

from datetime import datetime
from typing import Protocol

from chalicelib.customer.events import CustomerRegistered
from chalicelib.customer.model import MOST_ADDRESSES, Address, Customer, PostalAddress
from souk.accounts import PERSONAL, Status
from souk.audit import Origin, audited
from souk.errors import Missing, Refused
from souk.events import Event
from souk.ids import is_id, new_id
from souk.paging import Page
from souk.sessions import SessionStore
from souk.versions import as_seen


class Customers(SessionStore, Protocol):
    """What keeps customers and their addresses."""

    def customer(self, customer_id: str) -> Customer | None:
        """Return a customer."""

    def customer_for_change(self, customer_id: str) -> Customer | None:
        """Return a customer, locked until the transaction ends."""

    def customers(self, *, text: str | None, status: Status | None, limit: int, cursor: str | None) -> Page[Customer]:
        """Return a page of customers, newest first; `text` begins the address or the name."""

    def add_customer(self, customer: Customer, password_hash: str, *events: Event) -> bool:
        """Keep a new customer; False when the email is taken."""

    def save_customer(self, customer: Customer, *events: Event) -> None:
        """Keep a changed customer and put events in the outbox."""

    def addresses(self, customer_id: str) -> list[Address]:
        """Return a customer's addresses, oldest first."""

    def address(self, customer_id: str, address_id: str) -> Address | None:
        """Return one of a customer's addresses."""

    def address_for_change(self, customer_id: str, address_id: str) -> Address | None:
        """Return one of a customer's addresses, locked until the transaction ends."""

    def save_address(self, customer_id: str, address: Address, now: datetime) -> None:
        """Keep a new or changed address."""

    def remove_address(self, customer_id: str, address_id: str) -> bool:
        """Remove an address; False when there is none."""


def register(email: str, name: str, password_hash: str, *, locale: str, now: datetime, store: Customers) -> Customer:
    """Become a customer. Raises Refused when the address is taken."""
    customer = Customer(id=new_id(), email=email, name=name, locale=locale, created_at=now)
    said = Event.of(CustomerRegistered(customer_id=customer.id), aggregate=customer.id, version=1, now=now)
    if not store.add_customer(customer, password_hash, said):
        raise Refused("there is a customer with that email address", code="email-taken")
    return customer


def read(customer_id: str, *, store: Customers) -> Customer:
    """Return a customer. Raises Missing."""
    return _found(store.customer(customer_id) if is_id(customer_id) else None)


def edit(
    customer_id: str, *, name: str | None, locale: str | None, seen: int, store: Customers, by: Origin, now: datetime
) -> Customer:
    """Change a profile: one's own, or by staff, which leaves a trace. Raises Missing, Stale."""
    before = as_seen(_for_change(customer_id, store=store), seen, name="customer")
    after = before.edited(name=name, locale=locale)
    store.save_customer(after, *_audit(by, "customer.edit", before, after, now))
    return after


def suspend(customer_id: str, *, by: Origin, now: datetime, store: Customers) -> Customer:
    """Keep a customer from signing in and end their sessions. Raises Missing, Refused."""
    after = _become(customer_id, Status.SUSPENDED, "customer.suspend", by=by, now=now, store=store)
    store.end_sessions(customer_id, now)
    return after


def reinstate(customer_id: str, *, by: Origin, now: datetime, store: Customers) -> Customer:
    """Let a suspended customer sign in again. Raises Missing, Refused."""
    return _become(customer_id, Status.ACTIVE, "customer.reinstate", by=by, now=now, store=store)


def _become(customer_id: str, status: Status, action: str, *, by: Origin, now: datetime, store: Customers) -> Customer:
    before = _for_change(customer_id, store=store)
    after = before.become(status)
    store.save_customer(after, *_audit(by, action, before, after, now))
    return after


def add_address(customer_id: str, given: PostalAddress, *, now: datetime, store: Customers) -> Address:
    """Keep another address. Raises Missing, and Refused past the most a customer may keep."""
    _for_change(customer_id, store=store)
    if len(store.addresses(customer_id)) >= MOST_ADDRESSES:
        raise Refused(f"a customer keeps at most {MOST_ADDRESSES} addresses")
    address = _address(new_id(), given, version=1)
    store.save_address(customer_id, address, now)
    return address


def read_address(customer_id: str, address_id: str, *, store: Customers) -> Address:
    """Return one of a customer's addresses. Raises Missing."""
    return _found_address(store.address(customer_id, address_id) if is_id(address_id) else None)


def change_address(
    customer_id: str, address_id: str, given: PostalAddress, *, seen: int, now: datetime, store: Customers
) -> Address:
    """Replace an address. Raises Missing, Stale."""
    found = _found_address(store.address_for_change(customer_id, address_id) if is_id(address_id) else None)
    before = as_seen(found, seen, name="address")
    after = _address(before.id, given, version=before.version + 1)
    store.save_address(customer_id, after, now)
    return after


def remove_address(customer_id: str, address_id: str, *, store: Customers) -> None:
    """Remove an address. Raises Missing."""
    if not is_id(address_id) or not store.remove_address(customer_id, address_id):
        raise Missing("no such address")


def _for_change(customer_id: str, *, store: Customers) -> Customer:
    return _found(store.customer_for_change(customer_id) if is_id(customer_id) else None)


def _found(customer: Customer | None) -> Customer:
    if customer is None:
        raise Missing("no such customer")
    return customer


def _found_address(address: Address | None) -> Address:
    if address is None:
        raise Missing("no such address")
    return address


def _address(address_id: str, given: PostalAddress, *, version: int) -> Address:
    fields = {name: getattr(given, name) for name in PostalAddress.__struct_fields__}
    return Address(id=address_id, version=version, **fields)


def _audit(by: Origin, action: str, before: Customer, after: Customer, now: datetime) -> list[Event]:
    """Return the trace of a change by staff; customers changing their own things leave none."""
    if by.caller.subject == after.id:
        return []
    return [audited(by, action, after.id, service="customer", now=now, before=before, after=after, personal=PERSONAL)]
