"""Joining the staff: once, in time, and only while whoever invited could still do so."""

from datetime import timedelta

import pytest
from contract.admin.people import NOW
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.admin import invitations
from chalicelib.admin.model import INVITED_FOR, OWNER, PERMISSIONS, Invitation
from souk.audit import Audited, Origin
from souk.auth import digest
from souk.errors import Forbidden, Missing, Refused
from souk.ids import new_id

from .conftest import Office

some = st.frozensets(st.sampled_from(sorted(PERMISSIONS)))
DESK = {"staff:write", "roles:write"}


def accepted(office: Office, token: str, *, late: timedelta = timedelta()) -> str:
    """Accept an invitation, and return why that was refused, if it was."""
    try:
        with office.store.transaction() as store:
            invitations.accept(token, "Grace", "a hash", ip="10.0.0.2", now=NOW + late, store=store)
    except Refused as error:
        return error.kind
    return ""


def host(office: Office, *permissions: str) -> Origin:
    return office.origin(office.clerk(*DESK, *permissions))


def test_who_is_invited_joins_with_the_roles_and_the_address_of_the_invitation(office: Office) -> None:
    by, desk = host(office, "orders:read"), office.role("orders:read")
    made, token = office.invite(desk, by=by, email="grace@example.com")
    joined = office.accept(token)
    assert (joined.email, joined.roles, joined.name) == ("grace@example.com", frozenset({desk}), "Grace")
    assert office.now(joined) == joined
    assert (made.invited_by, made.expires_at) == (by.caller.subject, NOW + INVITED_FOR)


def test_only_whoever_has_the_token_joins_and_it_is_kept_nowhere(office: Office) -> None:
    made, token = office.invite(office.role("orders:read"), by=host(office, "orders:read"))
    for guess in (made.id, digest(token), "", token[:-1]):
        with pytest.raises(Missing):
            office.accept(guess)
    assert office.store.invitation(digest(token)) == made
    assert not any(token.encode() in bytes(event.data) for event in office.store.outbox)


def test_an_invitation_is_good_once(office: Office) -> None:
    _, token = office.invite(office.role("orders:read"), by=host(office, "orders:read"))
    assert [accepted(office, token) for _ in range(3)] == ["", "invitation-used", "invitation-used"]


@given(st.timedeltas(timedelta(), 2 * INVITED_FOR))
def test_an_invitation_is_good_until_it_expires(late: timedelta) -> None:
    office = Office()
    _, token = office.invite(office.role("orders:read"), by=host(office, "orders:read"))
    assert accepted(office, token, late=late) == ("" if late < INVITED_FOR else "invitation-expired")


def test_an_address_joins_once_and_the_other_invitation_is_not_used_up(office: Office) -> None:
    by, desk = host(office, "orders:read"), office.role("orders:read")
    first, second = (office.invite(desk, by=by, email=email)[1] for email in ("g@example.com", "G@Example.com"))
    told = len(office.store.outbox)
    assert [accepted(office, one) for one in (first, second)] == ["", "email-taken"]
    left = office.store.invitation(digest(second))
    assert left is not None
    assert left.accepted_at is None
    assert len(office.store.outbox) == told + 1


def test_an_invitation_falls_with_the_suspension_of_whoever_made_it_and_stands_again_with_them(office: Office) -> None:
    by, owner = host(office, "orders:read"), office.origin(office.owner())
    _, token = office.invite(office.role("orders:read"), by=by)
    member = office.store.member(by.caller.subject)
    assert member is not None
    office.suspend(member, owner)
    assert accepted(office, token) == "invitation-void"
    office.reinstate(member, owner)
    assert accepted(office, token) == ""


@pytest.mark.parametrize("inviting", [new_id(), "", "the shop's own"])
def test_an_invitation_by_nobody_is_void(office: Office, inviting: str) -> None:
    made, token = office.invite(office.role("orders:read"), by=host(office, "orders:read"))
    office.store.add_invitation(
        Invitation(
            id=new_id(),
            email=made.email,
            roles=made.roles,
            invited_by=inviting,
            created_at=NOW,
            expires_at=NOW + INVITED_FOR,
        ),
        digest(token),
    )
    assert accepted(office, token) == "invitation-void"


@given(before=some, after=some, invited=some, grown=some)
def test_an_invitation_is_good_while_whoever_made_it_could_make_it(
    before: frozenset[str], after: frozenset[str], invited: frozenset[str], grown: frozenset[str]
) -> None:
    """Before it is accepted, whoever made it gets other roles, and the role that it is to, other permissions."""
    office = Office()
    clerk, owner, desk = office.clerk(*DESK, *before), office.origin(office.owner()), office.role(*invited)
    if not invited <= before | DESK:
        with pytest.raises(Forbidden):
            office.invite(desk, by=office.origin(clerk))
        return
    _, token = office.invite(desk, by=office.origin(clerk))
    office.assign(clerk, office.role(*after), by=owner)
    office.grant(desk, *grown, by=owner)
    assert accepted(office, token) == ("" if grown <= after else "invitation-void")


def test_an_invitation_to_be_an_owner_needs_an_owner_until_it_is_accepted(office: Office) -> None:
    ada, grace = office.owner(), office.owner()
    _, token = office.invite(OWNER, by=office.origin(ada))
    office.assign(ada, office.role(*DESK), by=office.origin(grace))
    assert accepted(office, token) == "invitation-void"
    _, token = office.invite(OWNER, by=office.origin(grace))
    assert accepted(office, token) == ""


def test_who_invited_and_who_joined_stand_in_the_trail_without_an_address(office: Office) -> None:
    by = host(office, "orders:read")
    made, token = office.invite(office.role("orders:read"), by=by)
    joined = office.accept(token)
    invited, came = office.said
    assert (invited.action, invited.subject, invited.actor) == ("invitation.create", made.id, by.caller.subject)
    assert (came.action, came.subject, came.actor, came.source_ip) == (
        "invitation.accept",
        made.id,
        joined.id,
        "10.0.0.2",
    )
    assert invited.personal == ["email"]
    assert not any(b"@" in bytes(event.data) for event in office.store.outbox if event.type == Audited.TYPE)
