"""Signing in and staying signed in: the right password, or one answer that tells nothing, in the same time for whoever is unknown."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Annotated, Protocol

import msgspec

from souk.accounts import Status
from souk.errors import Unauthenticated
from souk.passwords import matches
from souk.postgres import Transaction
from souk.sessions import Desk, KeptSessions, SessionStore, Tokens
from souk.throttle import Failures

NOTHING = frozenset[str]()  # what whoever is no member of staff may do by permission


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody signs in with."""

    email: Annotated[str, msgspec.Meta(max_length=254)]
    password: Annotated[str, msgspec.Meta(max_length=1024)]


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who could sign in."""

    subject: str
    password_hash: str
    active: bool


class Accounts(SessionStore, Protocol):
    """What knows who may sign in."""

    def account(self, email: str) -> Account | None:
        """Return whoever has that email address, whatever its case."""

    def permissions(self, subject: str, *, held: bool = False) -> frozenset[str] | None:
        """Return what somebody may do today; None where they may not be signed in.

        `held` keeps that so until the transaction ends.
        """


class KeptAccounts(KeptSessions):
    """Whoever may sign in, in PostgreSQL, and their sessions."""

    def __init__(self, tx: Transaction, *, account: str) -> None:
        """Work in `tx`; `account` is the statement that finds the id, status and password_hash of an email address."""
        super().__init__(tx)
        self._account = account

    def account(self, email: str) -> Account | None:
        """Return whoever has that email address, whatever its case."""
        row = self._tx.one(self._account, email=email)
        if row is None:
            return None
        active = row["status"] == Status.ACTIVE
        return Account(subject=row["id"], password_hash=row["password_hash"], active=active)


class Opening(Protocol):
    """Opens the accounts: for one transaction, or for single reads."""

    def __call__(self) -> AbstractContextManager[Accounts]:
        """Begin."""


def sign_in(
    wish: SignIn, *, ip: str, device: str, now: datetime, accounts: Opening, failures: Failures, desk: Desk
) -> Tokens:
    """Start a session. Raises Unauthenticated, TooMany.

    Hashing holds no transaction; the one that opens the session looks once more whether the account was suspended
    meanwhile, as a suspension ends the sessions that it finds.
    """

    def find(email: str) -> Account | None:
        with accounts() as store:
            return store.account(email)

    who = prove(wish.email, wish.password, find=find, ip=ip, now=now, failures=failures)
    with accounts() as store:
        permissions = store.permissions(who.subject, held=True)
        if permissions is None:
            raise wrong()
        return desk.open(who.subject, permissions, ip=ip, device=device, now=now, store=store)


def wrong() -> Unauthenticated:
    """Return the one answer that tells nothing."""
    return Unauthenticated("email address or password is wrong")


def prove(
    email: str, password: str, *, find: Callable[[str], Account | None], ip: str, now: datetime, failures: Failures
) -> Account:
    """Return whoever has that address and that password.

    Raises TooMany after too many failures, else Unauthenticated: alike, and after the same work, for a wrong password,
    an unknown address and a suspended account. Hashing takes tens of milliseconds, so `find` must not leave a
    transaction open.
    """
    given = email.strip()
    account = given.lower()
    failures.admit(account, ip, now)
    found = find(given)  # which is lowered where its unique index is: not everybody lowers every letter alike
    right = matches(password, found.password_hash if found else None)
    if found is None or not right or not found.active:
        raise wrong()
    failures.forgive(account, ip)
    return found


def refresh(token: str, *, now: datetime, store: Accounts, desk: Desk) -> Tokens | None:
    """Return the tokens after a refresh token, with the permissions of today; None where it is refused."""
    spent = desk.spend(token, now=now, store=store)
    permissions = store.permissions(spent.subject) if spent else None
    if spent is None or permissions is None:
        return None
    return desk.renew(token, spent, permissions, now=now)
