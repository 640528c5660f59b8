"""Signing in: the right password, or one answer that tells nothing, in the same time for whoever is unknown."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec

from souk.errors import Unauthenticated
from souk.passwords import matches
from souk.throttle import Failures

Who = TypeVar("Who")


class SignIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody signs in with."""

    email: Annotated[str, msgspec.Meta(max_length=254)]
    password: Annotated[str, msgspec.Meta(max_length=1024)]


class Account(msgspec.Struct, Generic[Who], frozen=True, kw_only=True):
    """Somebody who could sign in."""

    who: Who
    password_hash: str
    active: bool


def prove(
    email: str,
    password: str,
    *,
    find: Callable[[str], Account[Who] | None],
    ip: str,
    now: datetime,
    failures: Failures,
) -> Who:
    """Return whoever has that address and that password.

    Raises TooMany after too many failures, else Unauthenticated: alike, and after the same work, for a wrong password,
    an unknown address and a suspended account. Hashing takes tens of milliseconds, so `find` must not leave a
    transaction open.
    """
    account = email.strip().lower()
    failures.admit(account, ip, now)
    found = find(account)
    right = matches(password, found.password_hash if found else None)
    if found is None or not right or not found.active:
        raise Unauthenticated("email address or password is wrong")
    failures.forgive(account, ip)
    return found.who
