"""Staff signing in and staying signed in."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import msgspec

from chalicelib.admin.model import Role, StaffMember, Status, permissions_of
from souk import sessions
from souk.sessions import Desk, SessionStore, Tokens
from souk.signing_in import Account, prove
from souk.throttle import Failures


class Member(msgspec.Struct, frozen=True):
    """A member of staff and the roles that say what they may do."""

    member: StaffMember
    roles: list[Role]


class Accounts(SessionStore, Protocol):
    """What knows who may sign in."""

    def account(self, email: str) -> Account[Member] | None:
        """Return the member with that email address (in lower case)."""

    def member(self, member_id: str) -> StaffMember | None:
        """Return a member of staff."""

    def roles(self, names: Iterable[str] | None = None) -> list[Role]:
        """Return the roles of these names."""


class Opening(Protocol):
    """Opens the accounts for one transaction."""

    def __call__(self) -> AbstractContextManager[Accounts]:
        """Begin."""


def sign_in(
    email: str, password: str, *, ip: str, device: str, now: datetime, accounts: Opening, failures: Failures, desk: Desk
) -> Tokens:
    """Start a session. Raises Unauthenticated, TooMany.

    Four round trips: failures, account, and a transaction that opens the session; hashing holds no transaction.
    """

    def find(account: str) -> Account[Member] | None:
        with accounts() as store:
            return store.account(account)

    who = prove(email, password, find=find, ip=ip, now=now, failures=failures)
    with accounts() as store:
        return desk.open(who.member.id, permissions_of(who.roles), ip=ip, device=device, now=now, store=store)


def refresh(token: str, *, now: datetime, store: Accounts, desk: Desk) -> Tokens | None:
    """Return the tokens after a refresh token, with the permissions of today; None where it is refused."""
    spent = desk.spend(token, now=now, store=store)
    if spent is None:
        return None
    member = store.member(spent.subject)
    if member is None or member.status is not Status.ACTIVE:
        return None
    return desk.renew(token, spent, permissions_of(store.roles(member.roles)), now=now)


def sign_out(session_id: str, member_id: str, *, now: datetime, store: Accounts) -> None:
    """End one of one's own sessions. Raises Missing."""
    sessions.end(session_id, member_id, now=now, store=store)
