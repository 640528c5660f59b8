"""Roles, members and invitations of the staff."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.admin.model import OWNER, PERMISSIONS, Invitation, Role, StaffMember, permissions_of
from souk.errors import Invalid, Refused

NOW = datetime(2026, 1, 1, tzinfo=UTC)
some = st.frozensets(st.sampled_from(sorted(PERMISSIONS)))


@given(st.lists(some, max_size=5))
def test_a_member_may_what_any_of_the_roles_grants_and_nothing_else(grants: list[frozenset[str]]) -> None:
    roles = [Role(name=f"role-{n}", permissions=granted) for n, granted in enumerate(grants)]
    assert permissions_of(roles) == frozenset().union(*grants)


def test_an_owner_may_also_what_there_was_no_permission_for_when_the_role_was_made() -> None:
    assert permissions_of([Role(name=OWNER, permissions=frozenset({"orders:read"}))]) == PERMISSIONS


def test_a_permission_that_no_route_asks_for_is_refused() -> None:
    with pytest.raises(Invalid):
        Role(name="magic", permissions=frozenset({"everything:write"}))


def test_the_owners_role_stays_as_it_is() -> None:
    with pytest.raises(Refused):
        Role(name=OWNER, permissions=PERMISSIONS).granting(frozenset())


def test_nobody_suspends_themselves() -> None:
    member = StaffMember(id="ada", email="a@example.com", name="Ada", roles=frozenset(), created_at=NOW)
    with pytest.raises(Refused):
        member.suspended(by="ada")


def invitation() -> Invitation:
    return Invitation(
        id="1",
        email="a@example.com",
        roles=frozenset(),
        invited_by="b",
        created_at=NOW,
        expires_at=NOW + timedelta(days=7),
    )


def test_an_invitation_is_accepted_once() -> None:
    with pytest.raises(Refused) as refused:
        invitation().accepted(NOW).accepted(NOW)
    assert refused.value.kind == "invitation-used"


def test_an_invitation_expires() -> None:
    with pytest.raises(Refused) as refused:
        invitation().accepted(NOW + timedelta(days=7))
    assert refused.value.kind == "invitation-expired"
