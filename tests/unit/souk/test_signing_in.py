"""Signing in and staying signed in, with accounts in memory."""

from datetime import datetime, timedelta

import pytest
from contract.souk.memory import Member, MemoryAccounts, MemoryFailures
from msgspec.structs import replace

from souk import passwords, signing_in
from souk.auth import Trust, new_key
from souk.clock import utcnow
from souk.errors import TooMany, Unauthenticated
from souk.ids import new_id
from souk.sessions import AGAIN, Desk, Tokens
from souk.signing_in import SignIn
from souk.throttle import PER_ACCOUNT, WINDOW, Failures

ADA, PASSWORD = "ada@example.com", "a password of her own"
NOW = utcnow()


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


def signed_in(
    accounts: MemoryAccounts,
    desk: Desk,
    *,
    email: str = ADA,
    password: str = PASSWORD,
    now: datetime = NOW,
    failures: Failures | None = None,
) -> Tokens:
    return signing_in.sign_in(
        SignIn(email=email, password=password),
        ip="10.0.0.1",
        device="x",
        now=now,
        accounts=accounts.transaction,
        failures=failures or MemoryFailures(),
        desk=desk,
    )


def answers(accounts: MemoryAccounts, desk: Desk, email: str, *passwords: str) -> list[str]:
    """Try one password after the other, and return what was answered to each."""
    failures, told = MemoryFailures(), []
    for password in passwords:
        try:
            signed_in(accounts, desk, email=email, password=password, failures=failures)
        except (Unauthenticated, TooMany) as refused:
            told.append(str(refused))
        else:
            told.append("signed in")
    return told


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


def test_after_too_many_failures_the_right_password_waits_too(accounts: MemoryAccounts, desk: Desk) -> None:
    failures = MemoryFailures()
    for _ in range(PER_ACCOUNT):
        with pytest.raises(Unauthenticated):
            signed_in(accounts, desk, password="another", failures=failures)
    with pytest.raises(TooMany) as refused:
        signed_in(accounts, desk, failures=failures)
    assert refused.value.retry_after == WINDOW.total_seconds()
    assert signed_in(accounts, desk, failures=failures, now=NOW + WINDOW)


def test_one_address_is_one_account_however_it_is_written(accounts: MemoryAccounts, desk: Desk) -> None:
    failures = MemoryFailures()
    for number in range(PER_ACCOUNT):
        email = f"{' ' * number}{ADA.upper() if number % 2 else ADA}"
        with pytest.raises(Unauthenticated):
            signed_in(accounts, desk, email=email, password="another", failures=failures)
    with pytest.raises(TooMany):
        signed_in(accounts, desk, failures=failures)


def test_whoever_signs_in_may_fail_as_often_again(accounts: MemoryAccounts, desk: Desk) -> None:
    tries = [*["another"] * (PER_ACCOUNT - 1), PASSWORD] * 2
    assert answers(accounts, desk, ADA, *tries).count("signed in") == 2


def test_guessing_tells_nothing_about_who_is_there(accounts: MemoryAccounts, desk: Desk) -> None:
    guesses = ["another"] * (PER_ACCOUNT + 2)
    unknown = answers(accounts, desk, "bob@example.com", *guesses)
    assert answers(accounts, desk, ADA, *guesses) == unknown
    accounts.accounts[ADA] = replace(accounts.accounts[ADA], active=False)
    assert answers(accounts, desk, ADA, *[PASSWORD] * len(guesses)) == unknown
    assert len(set(unknown)) == 2
