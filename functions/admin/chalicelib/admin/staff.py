"""Managing staff and roles: who is there, what they may do, and who may not sign in any more."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

from msgspec.structs import replace

from chalicelib.admin.model import OWNER, PERMISSIONS, Role, RoleName, StaffMember, Standing, permissions_of
from souk.accounts import PERSONAL, Status
from souk.audit import Origin, audited
from souk.auth import Caller, Kind
from souk.errors import Fault, Forbidden, Invalid, Missing, Refused, Unauthenticated
from souk.events import Event
from souk.ids import is_id, new_id
from souk.paging import Page
from souk.passwords import accepted
from souk.sessions import SessionStore
from souk.versions import as_seen


class Staff(SessionStore, Protocol):
    """What keeps staff and roles."""

    def turn(self) -> None:
        """Wait until nobody else changes staff or roles, before any other lock."""

    def member(self, member_id: str) -> StaffMember | None:
        """Return a member of staff."""

    def member_for_change(self, member_id: str) -> StaffMember | None:
        """Return a member of staff, locked until the transaction ends."""

    def standing(self, member_id: str) -> Standing | None:
        """Return what a member may do at this moment."""

    def members(self, *, limit: int, cursor: str | None) -> Page[StaffMember]:
        """Return a page of staff, newest first."""

    def add_member(self, member: StaffMember, password_hash: str) -> bool:
        """Keep a new member; False when the email is taken."""

    def save_member(self, member: StaffMember, *events: Event) -> None:
        """Keep a changed member and put events in the outbox."""

    def role(self, name: str) -> Role | None:
        """Return a role for change: locked until the transaction ends."""

    def roles(self, names: Iterable[str] | None = None) -> list[Role]:
        """Return the roles of these names, or all, by name."""

    def add_role(self, role: Role, *events: Event) -> bool:
        """Keep a new role and put events in the outbox; False when the name is taken."""

    def save_role(self, role: Role, *events: Event) -> None:
        """Keep a role, new or changed, and put events in the outbox."""

    def add_events(self, *events: Event) -> None:
        """Put events in the outbox."""


def read(member_id: str, *, store: Staff) -> StaffMember:
    """Return a member of staff. Raises Missing."""
    return _found(store.member(member_id) if is_id(member_id) else None)


def acting(by: Origin, permission: str, *, store: Staff) -> Origin:
    """Return who makes a change, with what they may do now: a token knows what was true up to 15 minutes ago.

    Raises Unauthenticated for whoever is unknown or suspended, Forbidden for whoever lost the permission: else they could
    reinstate themselves, or give themselves back what was taken from them. One change of staff follows the other: at
    the same time two could suspend each other, and who waits for their own suspension to be done could undo it.
    """
    store.turn()
    standing = store.standing(by.caller.subject) if is_id(by.caller.subject) else None
    if standing is None:
        raise Unauthenticated("there is no such member of staff")
    if standing.status is not Status.ACTIVE:
        raise Unauthenticated("the member of staff is suspended")
    caller = replace(by.caller, permissions=by.caller.permissions & standing.permissions)
    if not caller.may(permission):
        raise Forbidden(f"this needs the permission {permission}")
    return Origin(caller, by.source_ip)


def assign(
    member_id: str,
    roles: frozenset[str] | None,
    name: str | None,
    *,
    seen: int,
    by: Origin,
    now: datetime,
    store: Staff,
) -> StaffMember:
    """Give a member other roles or another name. Raises Missing, Stale, Invalid, Forbidden, Refused."""
    by = acting(by, "staff:write", store=store)
    before = as_seen(_for_change(member_id, store=store), seen, name="member of staff")
    _not_above(before, by=by, store=store)
    if roles is not None:
        known_roles(roles, by=by, store=store)
        if OWNER in before.roles - roles and before.id == by.caller.subject:
            raise Refused("an owner cannot stop being one by their own hand: another owner has to do it")
    after = replace(
        before, roles=before.roles if roles is None else roles, name=name or before.name, version=before.version + 1
    )
    store.save_member(after, _audit(by, "staff.edit", before, after, now))
    return after


def suspend(member_id: str, *, by: Origin, now: datetime, store: Staff) -> StaffMember:
    """Keep a member from signing in and end their sessions. Raises Missing, Refused, Forbidden."""
    by = acting(by, "staff:write", store=store)
    before = _for_change(member_id, store=store)
    _not_above(before, by=by, store=store)
    after = before.suspended(by=by.caller.subject)
    store.save_member(after, _audit(by, "staff.suspend", before, after, now))
    store.end_sessions(member_id, now)
    return after


def reinstate(member_id: str, *, by: Origin, now: datetime, store: Staff) -> StaffMember:
    """Let a suspended member sign in again. Raises Missing, Refused, Forbidden."""
    by = acting(by, "staff:write", store=store)
    before = _for_change(member_id, store=store)
    _not_above(before, by=by, store=store)
    after = before.reinstated()
    store.save_member(after, _audit(by, "staff.reinstate", before, after, now))
    return after


def read_role(name: str, *, store: Staff) -> Role:
    """Return a role. Raises Missing."""
    found = store.roles([name])
    if not found:
        raise Missing("no such role")
    return found[0]


def add_role(role: Role, *, by: Origin, now: datetime, store: Staff) -> Role:
    """Add a role. Raises Refused when the name is taken, Forbidden for what the caller may not do."""
    _no_more_than_own(role.permissions, acting(by, "roles:write", store=store))
    if not store.add_role(role, audited(by, "role.create", role.name, service="admin", now=now, after=role)):
        raise Refused("there is a role of that name", code="name-taken")
    return role


def change_role(
    name: RoleName, permissions: frozenset[str], *, seen: int, by: Origin, now: datetime, store: Staff
) -> Role:
    """Change what a role grants; those who hold it get it with their next token. Raises Missing, Stale, Refused, Forbidden."""
    caller = acting(by, "roles:write", store=store)
    found = store.role(name)
    if found is None:
        raise Missing("no such role")
    before = as_seen(found, seen, name="role")
    _no_more_than_own(permissions | before.permissions, caller)
    after = before.granting(permissions)
    store.save_role(after, audited(by, "role.edit", name, service="admin", now=now, before=before, after=after))
    return after


def known_roles(names: frozenset[str], *, by: Origin, store: Staff) -> None:
    """Raise Invalid for roles that do not exist, Forbidden for roles that grant more than the caller may do."""
    found = store.roles(names)
    unknown = sorted(names - {role.name for role in found})
    if unknown or not names:
        raise Invalid("unknown roles", faults=[Fault("/roles", f"there is no role {', '.join(unknown) or 'given'}")])
    _no_more_than_own(permissions_of(found), by)


def create_owner(email: str, name: str, password: str, *, now: datetime, store: Staff) -> StaffMember:
    """Make a member who may do everything; for the command line. Raises Invalid, Refused."""
    secret = accepted(password)
    known = store.role(OWNER)
    if known is None or known.permissions != PERMISSIONS:
        store.save_role(Role(name=OWNER, permissions=PERMISSIONS))
    member = StaffMember(id=new_id(), email=email, name=name, roles=frozenset({OWNER}), created_at=now)
    if not store.add_member(member, secret):
        raise Refused("there is a member of staff with that email address", code="email-taken")
    by = Origin(Caller(kind=Kind.STAFF, subject=member.id))
    store.add_events(_audit(by, "staff.create", None, member, now))
    return member


def _for_change(member_id: str, *, store: Staff) -> StaffMember:
    return _found(store.member_for_change(member_id) if is_id(member_id) else None)


def _found(member: StaffMember | None) -> StaffMember:
    if member is None:
        raise Missing("no such member of staff")
    return member


def _not_above(member: StaffMember, *, by: Origin, store: Staff) -> None:
    """Raise Forbidden for a member who may do more than the caller: nobody takes the keys from those above them.

    An owner is above whoever else may do everything today: owners alone leave one of them, whatever they do.
    """
    _no_more_than_own(permissions_of(store.roles(member.roles)), by)
    if OWNER in member.roles and OWNER not in _found(store.member(by.caller.subject)).roles:
        raise Forbidden("an owner is changed by an owner alone")


def _no_more_than_own(permissions: frozenset[str], by: Origin) -> None:
    beyond = sorted(permissions - by.caller.permissions)
    if beyond:
        raise Forbidden(f"nobody can give or take what they may not do themselves: {', '.join(beyond)}")


def _audit(by: Origin, action: str, before: StaffMember | None, after: StaffMember, now: datetime) -> Event:
    return audited(by, action, after.id, service="admin", now=now, before=before, after=after, personal=PERSONAL)
