"""Who may give which roles, whatever the roles were made of."""

from datetime import UTC, datetime
from typing import cast

import msgspec
import pytest

from chalicelib.admin import staff
from chalicelib.admin.model import OWNER, PERMISSIONS, Role, StaffMember, Standing
from souk.accounts import Status
from souk.audit import Audited, Origin
from souk.auth import Caller, Kind
from souk.errors import Forbidden, Invalid
from souk.events import Event

NOW = datetime(2026, 1, 1, tzinfo=UTC)
# As it was kept when there were fewer permissions than today.
OLD_OWNER = Role(name=OWNER, permissions=PERMISSIONS - {"vouchers:write"})


class OldRoles:
    """Keeps roles that are older than some of the permissions."""

    def __init__(self) -> None:
        self.told: list[Event] = []

    def roles(self, names: frozenset[str]) -> list[Role]:
        return [OLD_OWNER] if OWNER in names else []

    def role(self, name: str) -> Role | None:
        return OLD_OWNER if name == OWNER else None

    def save_role(self, role: Role) -> None:
        assert role.permissions == PERMISSIONS

    def add_member(self, member: StaffMember, password_hash: str) -> bool:
        return bool(member.id and password_hash)

    def add_events(self, *events: Event) -> None:
        self.told += events


ROLES = cast("staff.Staff", OldRoles())


def origin(permissions: frozenset[str]) -> Origin:
    return Origin(Caller(kind=Kind.STAFF, subject="ada", permissions=permissions))


def member(status: Status = Status.ACTIVE) -> StaffMember:
    return StaffMember(
        id="ada", email="a@example.com", name="Ada", roles=frozenset({OWNER}), created_at=NOW, status=status
    )


def test_nobody_makes_an_owner_who_may_not_do_all_that_owners_may() -> None:
    with pytest.raises(Forbidden, match="vouchers:write"):
        staff.known_roles(frozenset({OWNER}), by=origin(OLD_OWNER.permissions), store=ROLES)


def test_whoever_may_do_everything_makes_an_owner() -> None:
    staff.known_roles(frozenset({OWNER}), by=origin(PERMISSIONS), store=ROLES)


def test_a_role_that_is_not_there_is_invalid() -> None:
    with pytest.raises(Invalid):
        staff.known_roles(frozenset({"magic"}), by=origin(PERMISSIONS), store=ROLES)


def test_an_owner_may_grant_what_there_was_no_permission_for_when_the_role_was_made() -> None:
    assert Standing.of(member(), [OLD_OWNER]).may_grant(PERMISSIONS)


def test_a_suspended_owner_grants_nothing() -> None:
    assert not Standing.of(member(Status.SUSPENDED), [OLD_OWNER]).may_grant(frozenset())


def test_an_owner_made_at_the_command_line_stands_in_the_audit_trail() -> None:
    keeper = OldRoles()
    made = staff.create_owner(
        "ada@example.com", "Ada", "a-long-enough-secret", now=NOW, store=cast("staff.Staff", keeper)
    )
    (said,) = keeper.told
    fact = msgspec.json.decode(said.data, type=Audited)
    assert (fact.action, fact.subject, fact.actor) == ("staff.create", made.id, made.id)
    assert {"email", "name"} <= set(fact.personal)
    assert b"ada@example.com" not in bytes(said.data)
