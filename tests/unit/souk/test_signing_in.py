"""Signing in and staying signed in, with accounts in memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from contract.souk.memory import Member, MemoryAccounts
from msgspec.structs import replace

from souk import passwords, signing_in
from souk.auth import Trust, new_key
from souk.clock import utcnow
from souk.errors import Unauthenticated
from souk.ids import new_id
from souk.sessions import AGAIN, Desk, Tokens
from souk.signing_in import SignIn

ADA, PASSWORD = "ada@example.com", "a password of her own"
NOW = utcnow()


class Patient:
    """Counts no failures."""

    def admit(self, account: str, address: str, now: datetime) -> None: ...

    def forgive(self, account: str, address: str) -> None: ...


@pytest.fixture(scope="module")
def password_hash() -> str:
    return passwords.accepted(PASSWORD)


@pytest.fixture
def accounts(password_hash: str) -> MemoryAccounts:
    may = frozenset({"orders:read"})
    return MemoryAccounts(**{ADA: Member(subject=new_id(), password_hash=password_hash, active=True, permissions=may)})


@pytest.fixture
def desk() -> Desk:
    return Desk(issuer="admin", audience="admin", key=new_key())


def signed_in(accounts: MemoryAccounts, desk: Desk, *, email: str = ADA, password: str = PASSWORD) -> Tokens:
    @contextmanager
    def opening() -> Iterator[MemoryAccounts]:
        yield accounts

    wish = SignIn(email=email, password=password)
    return signing_in.sign_in(wish, ip="10.0.0.1", device="x", now=NOW, accounts=opening, failures=Patient(), desk=desk)


def test_an_access_token_says_who_it_is_and_what_they_may_do(accounts: MemoryAccounts, desk: Desk) -> None:
    caller = Trust(desk.jwks).read(signed_in(accounts, desk, email=f" {ADA.upper()} ").access_token, now=NOW)
    assert (caller.subject, caller.permissions) == (accounts.accounts[ADA].subject, frozenset({"orders:read"}))


def test_a_wrong_password_an_unknown_address_and_a_suspended_account_are_told_alike(
    accounts: MemoryAccounts, desk: Desk
) -> None:
    told = set()
    for email, password, active in (
        (ADA, "another", True),
        ("bob@example.com", PASSWORD, True),
        (ADA, PASSWORD, False),
    ):
        accounts.accounts[ADA] = replace(accounts.accounts[ADA], active=active)
        with pytest.raises(Unauthenticated) as refused:
            signed_in(accounts, desk, email=email, password=password)
        told.add(str(refused.value))
    assert len(told) == 1


def test_who_is_suspended_while_the_password_is_checked_is_not_signed_in(
    accounts: MemoryAccounts, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(password: str, password_hash: str | None) -> bool:
        accounts.accounts[ADA] = replace(accounts.accounts[ADA], active=False)
        return passwords.matches(password, password_hash)

    monkeypatch.setattr(signing_in, "matches", checked)
    with pytest.raises(Unauthenticated):
        signed_in(accounts, desk)
    assert accounts.sessions(accounts.accounts[ADA].subject, NOW) == []


def test_a_refresh_gives_the_permissions_of_today(accounts: MemoryAccounts, desk: Desk) -> None:
    first = signed_in(accounts, desk)
    accounts.accounts[ADA] = replace(accounts.accounts[ADA], permissions=frozenset({"stock:read"}))
    after = signing_in.refresh(first.refresh_token, now=NOW, store=accounts, desk=desk)
    assert after is not None
    assert Trust(desk.jwks).read(after.access_token, now=NOW).permissions == {"stock:read"}
    assert after.session_id == first.session_id


def test_whoever_was_suspended_is_not_refreshed(accounts: MemoryAccounts, desk: Desk) -> None:
    first = signed_in(accounts, desk)
    accounts.accounts[ADA] = replace(accounts.accounts[ADA], active=False)
    assert signing_in.refresh(first.refresh_token, now=NOW, store=accounts, desk=desk) is None


def test_a_spent_token_gives_the_same_successor_for_a_moment_and_ends_its_family_after_that(
    accounts: MemoryAccounts, desk: Desk
) -> None:
    first = signed_in(accounts, desk).refresh_token
    second = signing_in.refresh(first, now=NOW, store=accounts, desk=desk)
    again = signing_in.refresh(first, now=NOW + AGAIN, store=accounts, desk=desk)
    assert second is not None
    assert again is not None
    assert again.refresh_token == second.refresh_token
    late = NOW + AGAIN + timedelta(seconds=1)
    assert signing_in.refresh(first, now=late, store=accounts, desk=desk) is None
    assert signing_in.refresh(second.refresh_token, now=late, store=accounts, desk=desk) is None
