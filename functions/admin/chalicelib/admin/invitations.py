"""Joining the staff: by a one-time invitation."""

import secrets
from datetime import datetime
from typing import Protocol

from chalicelib.admin import staff
from chalicelib.admin.model import INVITED_FOR, Invitation, StaffMember, permissions_of
from souk.accounts import PERSONAL
from souk.audit import Origin, audited
from souk.auth import Caller, Kind, digest
from souk.errors import Missing, Refused
from souk.events import Event
from souk.ids import is_id, new_id
from souk.paging import Page


class Invitations(staff.Staff, Protocol):
    """What keeps invitations, and the staff who come of them."""

    def add_invitation(self, invitation: Invitation, token_hash: str) -> None:
        """Keep a new invitation; only the token's hash."""

    def invitation(self, token_hash: str) -> Invitation | None:
        """Return an invitation for change: locked until the transaction ends."""

    def save_invitation(self, invitation: Invitation) -> None:
        """Keep a changed invitation."""

    def invitations(self, *, limit: int, cursor: str | None) -> Page[Invitation]:
        """Return a page of invitations, newest first."""


def invite(
    email: str, roles: frozenset[str], *, by: Origin, now: datetime, store: Invitations
) -> tuple[Invitation, str]:
    """Invite somebody; the token is told once. Raises Invalid, Forbidden."""
    by = staff.acting(by, "staff:write", store=store)
    staff.known_roles(roles, by=by, store=store)
    invitation = Invitation(
        id=new_id(),
        email=email,
        roles=roles,
        invited_by=by.caller.subject,
        created_at=now,
        expires_at=now + INVITED_FOR,
    )
    token = secrets.token_urlsafe(32)
    store.add_invitation(invitation, digest(token))
    store.add_events(_audit(by, "invitation.create", None, invitation, now))
    return invitation, token


def accept(token: str, name: str, password_hash: str, *, ip: str, now: datetime, store: Invitations) -> StaffMember:
    """Join the staff. Raises Missing, Refused when it is used up or expired or the address is taken."""
    invitation = store.invitation(digest(token))
    if invitation is None:
        raise Missing("no such invitation")
    accepted = invitation.accepted(now)
    _still_meant(invitation, store=store)
    store.save_invitation(accepted)
    member = StaffMember(id=new_id(), email=invitation.email, name=name, roles=invitation.roles, created_at=now)
    if not store.add_member(member, password_hash):
        raise Refused("there is a member of staff with that email address", code="email-taken")
    by = Origin(Caller(kind=Kind.STAFF, subject=member.id), ip)
    store.add_events(_audit(by, "invitation.accept", invitation, accepted, now))
    return member


def _still_meant(invitation: Invitation, *, store: Invitations) -> None:
    """Raise Refused where whoever invited could not do so today: a suspension leaves no back door."""
    host = store.standing(invitation.invited_by) if is_id(invitation.invited_by) else None
    if host is None or not host.may_grant(permissions_of(store.roles(invitation.roles))):
        raise Refused("the invitation is void: whoever made it could not make it now", code="invitation-void")


def _audit(by: Origin, action: str, before: Invitation | None, after: Invitation, now: datetime) -> Event:
    return audited(by, action, after.id, service="admin", now=now, before=before, after=after, personal=PERSONAL)
