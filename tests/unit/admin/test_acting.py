"""Who may act: whoever is there, with no more than both their token and their roles say."""

from collections.abc import Callable

import pytest
from contract.admin.people import NOW, member
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.admin import staff
from chalicelib.admin.model import OWNER, PERMISSIONS, StaffMember
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.errors import Forbidden, Invalid, Missing, Refused, Stale, Unauthenticated

from .conftest import Office

DESK = ("orders:read", "roles:write", "staff:write")
some = st.frozensets(st.sampled_from(sorted(PERMISSIONS)))
CHANGES: dict[str, Callable[[Office, StaffMember, Origin], object]] = {
    "invite": lambda office, whom, by: office.invite(*whom.roles, by=by),
    "assign": lambda office, whom, by: office.assign(whom, *whom.roles, by=by),
    "suspend": lambda office, whom, by: office.suspend(whom, by),
    "reinstate": lambda office, whom, by: office.reinstate(whom, by),
    "add a role": lambda office, _, by: office.add_role("orders:read", by=by),
    "change a role": lambda office, whom, by: office.grant(*whom.roles, "orders:read", by=by),
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


def refused(office: Office, change: Callable[[], object], kind: type[Exception]) -> None:
    before = office.active, office.store.roles(), list(office.store.outbox)
    with pytest.raises(kind):
        change()
    assert (office.active, office.store.roles(), office.store.outbox) == before
    assert office.store.invitations(limit=9, cursor=None).items == []


@every_change
def test_who_is_suspended_changes_nothing(
    office: Office, change: Callable[[Office, StaffMember, Origin], object]
) -> None:
    clerk, whom = office.clerk(*DESK), office.clerk("orders:read")
    by = office.origin(clerk)
    office.suspend(clerk, office.origin(office.owner()))
    refused(office, lambda: change(office, whom, by), Unauthenticated)


@every_change
@pytest.mark.parametrize("subject", [member().id, "", "the shop's own"])
def test_who_is_no_member_changes_nothing_whatever_their_token_says(
    office: Office, change: Callable[[Office, StaffMember, Origin], object], subject: str
) -> None:
    by = Origin(Caller(kind=Kind.STAFF, subject=subject, permissions=PERMISSIONS))
    whom = office.clerk("orders:read")
    refused(office, lambda: change(office, whom, by), Unauthenticated)


@every_change
def test_who_lost_the_permission_changes_nothing_with_an_older_token(
    office: Office, change: Callable[[Office, StaffMember, Origin], object]
) -> None:
    clerk, whom = office.clerk(*DESK), office.clerk("orders:read")
    by = office.origin(clerk)
    office.assign(clerk, office.role("orders:read"), by=office.origin(office.owner()))
    refused(office, lambda: change(office, whom, by), Forbidden)


@every_change
def test_who_got_the_permission_changes_nothing_with_a_token_that_does_not_say_so(
    office: Office, change: Callable[[Office, StaffMember, Origin], object]
) -> None:
    clerk, whom = office.clerk("orders:read"), office.clerk("orders:read")
    by = office.origin(clerk)
    office.assign(clerk, office.role(*DESK), by=office.origin(office.owner()))
    refused(office, lambda: change(office, whom, by), Forbidden)


@given(some, some, st.sampled_from(sorted(PERMISSIONS)))
def test_whoever_acts_may_what_both_the_token_and_the_roles_say(
    told: frozenset[str], held: frozenset[str], wanted: str
) -> None:
    office = Office()
    by = Origin(Caller(kind=Kind.STAFF, subject=office.clerk(*held).id, permissions=told), "10.0.0.1")
    if wanted not in told & held:
        with pytest.raises(Forbidden):
            staff.acting(by, wanted, store=office.store)
        return
    acting = staff.acting(by, wanted, store=office.store)
    assert acting == Origin(replace(by.caller, permissions=told & held), "10.0.0.1")


GRANTS: dict[str, Callable[[Office, frozenset[str], Origin], object]] = {
    "invite": lambda office, what, by: office.invite(office.role(*what), by=by),
    "assign": lambda office, what, by: office.assign(office.clerk(), office.role(*what), by=by),
    "add a role": lambda office, what, by: office.add_role(*what, by=by),
    "give to a role": lambda office, what, by: office.grant(office.role(), *what, by=by),
    "take from a role": lambda office, what, by: office.grant(office.role(*what), by=by),
    "take from a member": lambda office, what, by: office.assign(office.clerk(*what), office.role(), by=by),
    "suspend": lambda office, what, by: office.suspend(office.clerk(*what), by),
}


@pytest.mark.parametrize("grant", GRANTS.values(), ids=GRANTS)
@given(own=some, what=some)
def test_nobody_gives_or_takes_more_than_they_may_do(
    grant: Callable[[Office, frozenset[str], Origin], object], own: frozenset[str], what: frozenset[str]
) -> None:
    office, own = Office(), own | {"staff:write", "roles:write"}
    by = office.origin(office.clerk(*own))
    if what <= own:
        grant(office, what, by)
        return
    with pytest.raises(Forbidden) as told:
        grant(office, what, by)
    assert all(one in str(told.value) for one in what - own)


def test_nobody_but_who_may_do_everything_makes_an_owner(office: Office) -> None:
    clerk, whom = office.clerk(*sorted(PERMISSIONS - {"taxes:write"})), office.clerk("orders:read")
    with pytest.raises(Forbidden, match="taxes:write"):
        office.assign(whom, OWNER, by=office.origin(clerk))
    office.assign(whom, OWNER, by=office.origin(office.owner()))
    assert office.now(whom).roles == {OWNER}


def test_an_owner_is_made_less_by_another_owner_and_not_by_their_own_hand(office: Office) -> None:
    ada, grace, desk = office.owner(), office.owner(), office.role("orders:read")
    with pytest.raises(Refused):
        office.assign(ada, desk, by=office.origin(ada))
    assert office.assign(ada, desk, by=office.origin(grace)).roles == {desk}


def test_an_owner_is_changed_by_an_owner_alone(office: Office) -> None:
    ada, deputy = office.owner(), office.clerk(*sorted(PERMISSIONS))
    by = office.origin(deputy)
    for change in (office.suspend, office.reinstate):
        with pytest.raises(Forbidden):
            change(ada, by)
    with pytest.raises(Forbidden):
        office.assign(ada, *deputy.roles, by=by)
    assert office.now(ada) == ada


def test_an_owner_takes_and_leaves_other_roles_by_their_own_hand(office: Office) -> None:
    ada, desk = office.owner(), office.role("orders:read")
    assert office.assign(ada, desk, OWNER, by=office.origin(ada)).roles == {OWNER, desk}
    assert office.assign(ada, OWNER, by=office.origin(ada)).roles == {OWNER}


def test_nobody_suspends_themselves(office: Office) -> None:
    ada = office.owner()
    with pytest.raises(Refused):
        office.suspend(ada, office.origin(ada))


def test_a_change_is_made_to_the_version_that_was_seen(office: Office) -> None:
    ada, grace, desk = office.owner(), office.clerk("orders:read"), office.role("stock:read")
    by = office.origin(ada)
    with pytest.raises(Stale):
        staff.assign(grace.id, None, "Hopper", seen=2, by=by, now=NOW, store=office.store)
    with pytest.raises(Stale):
        staff.change_role(desk, frozenset(), seen=2, by=by, now=NOW, store=office.store)
    assert staff.assign(grace.id, None, "Hopper", seen=1, by=by, now=NOW, store=office.store).version == 2
    assert staff.change_role(desk, frozenset(), seen=1, by=by, now=NOW, store=office.store).version == 2


@pytest.mark.parametrize("nobody", [member(), replace(member(), id="nonsense")])
def test_who_is_not_there_is_missing(office: Office, nobody: StaffMember) -> None:
    by = office.origin(office.owner())
    for change in (office.suspend, office.reinstate):
        with pytest.raises(Missing):
            change(nobody, by)
    with pytest.raises(Missing):
        staff.assign(nobody.id, None, "Grace", seen=1, by=by, now=NOW, store=office.store)
    with pytest.raises(Missing):
        staff.change_role("nonsense", frozenset(), seen=1, by=by, now=NOW, store=office.store)


def test_a_role_that_is_not_there_is_given_to_nobody(office: Office) -> None:
    by, grace = office.origin(office.owner()), office.clerk("orders:read")
    for roles in (("nonsense",), (OWNER, "nonsense"), ()):
        with pytest.raises(Invalid):
            office.assign(grace, *roles, by=by)
        with pytest.raises(Invalid):
            office.invite(*roles, by=by)


def test_a_role_that_is_not_there_is_missing(office: Office) -> None:
    with pytest.raises(Missing):
        staff.read_role("nonsense", store=office.store)


def test_a_name_is_one_roles(office: Office) -> None:
    desk = staff.read_role(office.role("orders:read"), store=office.store)
    with pytest.raises(Refused) as taken:
        staff.add_role(desk, by=office.origin(office.owner()), now=NOW, store=office.store)
    assert taken.value.kind == "name-taken"


def test_every_change_leaves_who_made_it_and_no_personal_data(office: Office) -> None:
    ada, grace = office.owner(), office.clerk("orders:read")
    by = office.origin(ada)
    staff.assign(grace.id, None, "Amazing Grace", seen=1, by=by, now=NOW, store=office.store)
    office.suspend(grace, by)
    office.reinstate(grace, by)
    role = office.add_role("orders:read", by=by)
    office.grant(role.name, by=by)
    assert [(one.action, one.subject) for one in office.said] == [
        ("staff.edit", grace.id),
        ("staff.suspend", grace.id),
        ("staff.reinstate", grace.id),
        ("role.create", role.name),
        ("role.edit", role.name),
    ]
    assert {(one.actor, one.source_ip) for one in office.said} == {(ada.id, "10.0.0.1")}
    assert office.said[0].personal == ["name"]
    assert not any(b"Grace" in bytes(event.data) or b"@" in bytes(event.data) for event in office.store.outbox)
