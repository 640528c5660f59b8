"""The doors of the admin service: staff sign-in, invitations, staff, roles and the audit trail."""

from datetime import datetime
from typing import Annotated, Any

import msgspec

from chalicelib.admin import invitations, live, staff, trail
from chalicelib.admin.model import Invitation, Role, RoleName, StaffMember
from souk import health, passwords, records, session_doors, sessions
from souk.accounts import Email, Name, Status
from souk.audit import Audited
from souk.auth import Jwks
from souk.clock import utcnow
from souk.events import Event
from souk.http import Admits, Answer, Souk, Takes, created
from souk.paging import Page, PageQuery

app = Souk("admin")


class InvitationWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to invite, to which roles."""

    email: Email
    roles: frozenset[RoleName]


class InvitationView(msgspec.Struct, frozen=True, kw_only=True):
    """An invitation; `token` is told once, to whoever made it."""

    id: str
    email: str
    roles: list[str]
    invited_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None
    token: str | None = None


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who joins."""

    name: Name
    password: Annotated[str, msgspec.Meta(max_length=256)]


class StaffView(msgspec.Struct, frozen=True, kw_only=True):
    """A member of staff."""

    id: str
    email: str
    name: str
    roles: list[str]
    status: Status
    created_at: datetime
    version: int


class StaffEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes about a member of staff; what is left out stays."""

    roles: frozenset[RoleName] | None = None
    name: Name | None = None


class RoleView(msgspec.Struct, frozen=True):
    """A role and what it grants."""

    name: str
    permissions: list[str]
    version: int


class RoleWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A new role."""

    name: RoleName
    permissions: frozenset[str]


class Grants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a role shall grant."""

    permissions: frozenset[str]


class TrailQuery(PageQuery, frozen=True, kw_only=True):
    """Which part of the audit trail."""

    actor: str | None = None
    subject: str | None = None


session_doors.add_doors(
    app, Admits.STAFF, accounts=live.staff, reading=live.reading, failures=live.failures, desk=live.desk
)


@app.route("/.well-known/jwks.json")
def jwks() -> Jwks:
    """Tell the public keys that staff tokens are signed with."""
    return live.desk().jwks


@app.route("/invitations", methods=["POST"], status=201, permission="staff:write", takes=Takes.KEY)
def invite(body: InvitationWish) -> InvitationView:
    """Invite somebody to join the staff."""
    with live.staff() as store:

        def decide() -> InvitationView:
            return _invitation(*invitations.invite(body.email, body.roles, by=app.origin, now=utcnow(), store=store))

        return app.once(store.attempts, decide)


@app.route("/invitations", permission="staff:read")
def list_invitations(query: PageQuery) -> Page[InvitationView]:
    """List invitations, newest first."""
    with live.reading() as store:
        return store.invitations(limit=query.limit, cursor=query.cursor).map(_invitation)


@app.route("/invitations/{token}/acceptance", methods=["POST"], status=201, takes=Takes.KEY)
def accept_invitation(token: str, body: Acceptance) -> StaffView:
    """Join the staff by invitation."""
    secret = passwords.accepted(body.password)
    with live.staff() as store:

        def decide() -> StaffView:
            joined = invitations.accept(token, body.name, secret, ip=app.client_ip, now=utcnow(), store=store)
            return _view(joined)

        return app.once(store.attempts, decide)


@app.route("/staff", permission="staff:read")
def list_staff(query: PageQuery) -> Page[StaffView]:
    """List the staff, newest first."""
    with live.reading() as store:
        return store.members(limit=query.limit, cursor=query.cursor).map(_view)


@app.route("/staff/{member_id}", permission="staff:read")
def read_staff(member_id: str) -> StaffView:
    """Read a member of staff."""
    with live.reading() as store:
        return _view(staff.read(member_id, store=store))


@app.route("/staff/{member_id}", methods=["PATCH"], permission="staff:write", takes=Takes.VERSION)
def edit_staff(member_id: str, body: StaffEdit) -> StaffView:
    """Give a member of staff other roles, or another name."""
    with live.staff() as store:
        seen, now = app.if_match, utcnow()
        return _view(staff.assign(member_id, body.roles, body.name, seen=seen, by=app.origin, now=now, store=store))


@app.route("/staff/{member_id}/suspension", methods=["PUT"], permission="staff:write")
def suspend_staff(member_id: str) -> StaffView:
    """Keep a member of staff from signing in, and end their sessions."""
    with live.staff() as store:
        return _view(staff.suspend(member_id, by=app.origin, now=utcnow(), store=store))


@app.route("/staff/{member_id}/suspension", methods=["DELETE"], permission="staff:write")
def reinstate_staff(member_id: str) -> StaffView:
    """Let a suspended member of staff sign in again."""
    with live.staff() as store:
        return _view(staff.reinstate(member_id, by=app.origin, now=utcnow(), store=store))


@app.route("/roles", permission="roles:read")
def list_roles() -> Page[RoleView]:
    """List the roles and what they grant."""
    with live.reading() as store:
        return Page([_role(one) for one in store.roles()])


@app.route("/roles", methods=["POST"], status=201, permission="roles:write", takes=Takes.KEY)
def add_role(body: RoleWish) -> Answer[RoleView]:
    """Add a role."""
    with live.staff() as store:

        def decide() -> Answer[RoleView]:
            role = Role(name=body.name, permissions=body.permissions)
            made = staff.add_role(role, by=app.origin, now=utcnow(), store=store)
            return created(_role(made), f"/admin/roles/{made.name}")

        return app.once(store.attempts, decide)


@app.route("/roles/{name}", permission="roles:read")
def read_role(name: str) -> RoleView:
    """Read a role."""
    with live.reading() as store:
        return _role(staff.read_role(name, store=store))


@app.route("/roles/{name}", methods=["PUT"], permission="roles:write", takes=Takes.VERSION)
def change_role(name: str, body: Grants) -> RoleView:
    """Change what a role grants."""
    with live.staff() as store:
        seen, now = app.if_match, utcnow()
        return _role(staff.change_role(name, body.permissions, seen=seen, by=app.origin, now=now, store=store))


@app.route("/audit", permission="audit:read")
def list_audit(query: TrailQuery) -> Page[trail.Entry]:
    """List what staff changed, newest first."""
    with live.reading() as store:
        return store.entries(actor=query.actor, subject=query.subject, limit=query.limit, cursor=query.cursor)


@app.consumer("admin-audit", Audited)
def record_audit(event: Event, fact: Audited) -> None:
    """Keep an entry of the audit trail."""
    with live.staff() as store:
        trail.record(event, fact, store=store)


@app.every(60)
def sweep_admin() -> None:
    """Remove what is kept for a while only."""
    records.sweep(live.database)
    sessions.sweep(live.database)
    live.failures.sweep(utcnow())


def _view(member: StaffMember) -> StaffView:
    return msgspec.convert(member, StaffView, from_attributes=True)


def _role(role: Role) -> RoleView:
    return RoleView(role.name, sorted(role.permissions), role.version)


def _invitation(invitation: Invitation, token: str | None = None) -> InvitationView:
    fields: dict[str, Any] = {**msgspec.structs.asdict(invitation), "roles": sorted(invitation.roles)}
    return InvitationView(**fields, token=token)


health.add_doors(app, {"postgres": live.database.ping})
app.refuse_the_rest()
