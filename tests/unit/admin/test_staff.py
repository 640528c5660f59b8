"""Who may give which roles, whatever the roles were made of."""

from datetime import UTC, datetime

import msgspec
import pytest
from contract.admin.memory import MemoryStaff

from chalicelib.admin import staff
from chalicelib.admin.model import OWNER, PERMISSIONS, Role, StaffMember, Standing
from souk.accounts import Status
from souk.audit import Audited, Origin
from souk.auth import Caller, Kind
from souk.errors import Forbidden, Invalid, Refused

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# As it was kept when there were fewer permissions than today.
OLD_OWNER = Role(name=OWNER, permissions=PERMISSIONS - {"vouchers:write"})


@pytest.fixture
def store() -> MemoryStaff:
    """Return a keeper of a role that is older than some of the permissions."""
    keeper = MemoryStaff()
    keeper.save_role(OLD_OWNER)
    return keeper


def origin(permissions: frozenset[str]) -> Origin:
    return Origin(Caller(kind=Kind.STAFF, subject="ada", permissions=permissions))


def member(status: Status = Status.ACTIVE) -> StaffMember:
    return StaffMember(
        id="ada", email="a@example.com", name="Ada", roles=frozenset({OWNER}), created_at=NOW, status=status
    )


def test_nobody_makes_an_owner_who_may_not_do_all_that_owners_may(store: MemoryStaff) -> None:
    with pytest.raises(Forbidden, match="vouchers:write"):
        staff.known_roles(frozenset({OWNER}), by=origin(OLD_OWNER.permissions), store=store)


def test_whoever_may_do_everything_makes_an_owner(store: MemoryStaff) -> None:
    staff.known_roles(frozenset({OWNER}), by=origin(PERMISSIONS), store=store)


def test_a_role_that_is_not_there_is_invalid(store: MemoryStaff) -> None:
    with pytest.raises(Invalid):
        staff.known_roles(frozenset({"magic"}), by=origin(PERMISSIONS), store=store)


def test_an_owner_may_grant_what_there_was_no_permission_for_when_the_role_was_made() -> None:
    assert Standing.of(member(), [OLD_OWNER]).may_grant(PERMISSIONS)


def test_a_suspended_owner_grants_nothing() -> None:
    assert not Standing.of(member(Status.SUSPENDED), [OLD_OWNER]).may_grant(frozenset())


def test_an_owner_made_at_the_command_line_stands_in_the_audit_trail(store: MemoryStaff) -> None:
    made = staff.create_owner("ada@example.com", "Ada", "a-long-enough-secret", now=NOW, store=store)
    (said,) = store.outbox
    fact = msgspec.json.decode(said.data, type=Audited)
    assert (fact.action, fact.subject, fact.actor) == ("staff.create", made.id, made.id)
    assert {"email", "name"} <= set(fact.personal)
    assert b"ada@example.com" not in bytes(said.data)
    assert staff.read_role(OWNER, store=store).permissions == PERMISSIONS
    assert staff.read(made.id, store=store) == made


def test_an_owner_made_at_the_command_line_has_an_address_of_their_own(store: MemoryStaff) -> None:
    staff.create_owner("ada@example.com", "Ada", "a-long-enough-secret", now=NOW, store=store)
    with pytest.raises(Refused) as taken:
        staff.create_owner("ADA@example.com", "Ada", "a-long-enough-secret", now=NOW, store=store)
    assert taken.value.kind == "email-taken"
