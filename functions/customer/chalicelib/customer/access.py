"""Customers registering, signing in and staying signed in."""

from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from chalicelib.customer.events import CustomerRegistered
from chalicelib.customer.model import Customer, Status
from souk.errors import Refused
from souk.events import Event
from souk.ids import new_id
from souk.sessions import Desk, SessionStore, Tokens
from souk.signing_in import Account, prove
from souk.throttle import Failures

NOBODY = frozenset[str]()  # customers hold no permissions


class Accounts(SessionStore, Protocol):
    """What knows who may sign in."""

    def account(self, email: str) -> Account[Customer] | None:
        """Return the customer with that email address (in lower case)."""

    def customer(self, customer_id: str) -> Customer | None:
        """Return a customer."""

    def add_customer(self, customer: Customer, password_hash: str, *events: Event) -> bool:
        """Keep a new customer; False when the email is taken."""


class Opening(Protocol):
    """Opens the accounts for one transaction."""

    def __call__(self) -> AbstractContextManager[Accounts]:
        """Begin."""


def register(email: str, name: str, password_hash: str, *, locale: str, now: datetime, store: Accounts) -> Customer:
    """Become a customer. Raises Refused when the address is taken."""
    customer = Customer(id=new_id(), email=email, name=name, locale=locale, created_at=now)
    said = Event.of(CustomerRegistered(customer_id=customer.id), aggregate=customer.id, version=1, now=now)
    if not store.add_customer(customer, password_hash, said):
        raise Refused("there is a customer with that email address", code="email-taken")
    return customer


def sign_in(
    email: str, password: str, *, ip: str, device: str, now: datetime, accounts: Opening, failures: Failures, desk: Desk
) -> Tokens:
    """Start a session. Raises Unauthenticated, TooMany."""

    def find(account: str) -> Account[Customer] | None:
        with accounts() as store:
            return store.account(account)

    customer = prove(email, password, find=find, ip=ip, now=now, failures=failures)
    with accounts() as store:
        return desk.open(customer.id, NOBODY, ip=ip, device=device, now=now, store=store)


def refresh(token: str, *, now: datetime, store: Accounts, desk: Desk) -> Tokens | None:
    """Return the tokens after a refresh token; None where it is refused."""
    spent = desk.spend(token, now=now, store=store)
    customer = store.customer(spent.subject) if spent else None
    if spent is None or customer is None or customer.status is not Status.ACTIVE:
        return None
    return desk.renew(token, spent, NOBODY, now=now)
