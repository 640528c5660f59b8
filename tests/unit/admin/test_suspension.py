"""Who is suspended is out: their sessions end and no password lets them in, until they are reinstated."""

import pytest
from contract.admin.people import NOW, member
from contract.souk.memory import MemoryFailures

from chalicelib.admin.model import StaffMember
from souk import passwords, signing_in
from souk.accounts import Status
from souk.auth import Trust, new_key
from souk.errors import Forbidden, Refused, Unauthenticated
from souk.sessions import Desk, Tokens
from souk.signing_in import SignIn

from .conftest import Office

PASSWORD = "a password of her own"


class Reception(Office):
    """An office whose members sign in, all of them with one password."""

    def __init__(self, password_hash: str) -> None:
        super().__init__()
        self.desk = Desk(issuer="admin", audience="admin", key=new_key())
        self._hash, self._failures = password_hash, MemoryFailures()

    def hire(self, *roles: str) -> StaffMember:
        made = member(*roles)
        assert self.store.add_member(made, self._hash)
        return made

    def sign_in(self, who: StaffMember) -> Tokens:
        return signing_in.sign_in(
            SignIn(email=who.email, password=PASSWORD),
            ip="10.0.0.1",
            device="x",
            now=NOW,
            accounts=self.store.transaction,
            failures=self._failures,
            desk=self.desk,
        )

    def refresh(self, tokens: Tokens) -> Tokens | None:
        return signing_in.refresh(tokens.refresh_token, now=NOW, store=self.store, desk=self.desk)


@pytest.fixture(scope="module")
def password_hash() -> str:
    return passwords.accepted(PASSWORD)


@pytest.fixture
def reception(password_hash: str) -> Reception:
    return Reception(password_hash)


def test_a_suspension_ends_all_sessions_of_a_member_and_no_others(reception: Reception) -> None:
    ada, grace = reception.owner(), reception.clerk("orders:read")
    own, phone, desktop = (reception.sign_in(one) for one in (ada, grace, grace))
    assert reception.suspend(grace, reception.origin(ada)).status is Status.SUSPENDED
    assert reception.store.sessions(grace.id, NOW) == []
    assert [reception.refresh(one) for one in (phone, desktop)] == [None, None]
    assert reception.refresh(own) is not None


def test_a_suspension_that_is_refused_ends_no_session(reception: Reception) -> None:
    ada, grace = reception.owner(), reception.clerk("staff:write")
    tokens = reception.sign_in(ada)
    with pytest.raises(Forbidden):
        reception.suspend(ada, reception.origin(grace))
    assert reception.refresh(tokens) is not None


def test_who_is_suspended_does_not_sign_in_and_who_is_reinstated_does(reception: Reception) -> None:
    ada, grace = reception.owner(), reception.clerk("orders:read")
    by = reception.origin(ada)
    reception.suspend(grace, by)
    with pytest.raises(Unauthenticated):
        reception.sign_in(grace)
    assert reception.reinstate(grace, by).status is Status.ACTIVE
    assert reception.sign_in(grace)


def test_a_session_that_a_suspension_ended_stays_ended(reception: Reception) -> None:
    ada, grace = reception.owner(), reception.clerk("orders:read")
    tokens, by = reception.sign_in(grace), reception.origin(ada)
    reception.suspend(grace, by)
    reception.reinstate(grace, by)
    assert reception.refresh(tokens) is None


def test_nobody_is_suspended_or_reinstated_twice(reception: Reception) -> None:
    by, grace = reception.origin(reception.owner()), reception.clerk("orders:read")
    with pytest.raises(Refused):
        reception.reinstate(grace, by)
    reception.suspend(grace, by)
    with pytest.raises(Refused):
        reception.suspend(grace, by)


def test_the_permissions_of_a_token_are_those_of_the_roles_when_it_was_renewed(reception: Reception) -> None:
    by, grace = reception.origin(reception.owner()), reception.clerk("orders:read")
    tokens, trust = reception.sign_in(grace), Trust(reception.desk.jwks)
    assert trust.read(tokens.access_token, now=NOW).permissions == {"orders:read"}
    reception.assign(grace, reception.role("stock:read"), by=by)
    renewed = reception.refresh(tokens)
    assert renewed is not None
    assert trust.read(renewed.access_token, now=NOW).permissions == {"stock:read"}
