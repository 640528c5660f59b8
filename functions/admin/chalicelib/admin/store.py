"""Staff, roles, invitations and the audit trail in PostgreSQL."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from chalicelib.admin.model import Invitation, Role, StaffMember, Standing, permissions_of
from chalicelib.admin.trail import Entry
from souk import records
from souk.accounts import Status
from souk.events import Event
from souk.paging import Page, page, unseal
from souk.postgres import Row, Transaction
from souk.records import KeptAttempts
from souk.signing_in import KeptAccounts

Item = TypeVar("Item", StaffMember, Invitation, Entry)

MEMBER = "id, email, name, roles, status, version, created_at"
INVITATION = "id, email, roles, invited_by, created_at, expires_at, accepted_at"
ENTRY = "id, at, service, actor, action, subject, before, after, personal, source_ip"

ACCOUNT = "SELECT id, status, password_hash FROM staff WHERE lower(email) = lower(%(email)s)"
TURN = "SELECT pg_advisory_xact_lock(hashtext('staff'))"
FIND_MEMBER = f"SELECT {MEMBER} FROM staff WHERE id = %(id)s"  # noqa: S608 - the columns are a constant
LOCK_MEMBER = f"{FIND_MEMBER} FOR UPDATE"
HOLD_MEMBER = f"{FIND_MEMBER} FOR SHARE"
LIST_MEMBERS = f"""
    SELECT {MEMBER} FROM staff
     WHERE %(after_at)s::timestamptz IS NULL OR (created_at, id) < (%(after_at)s, %(after_id)s::uuid)
     ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""  # noqa: S608
ADD_MEMBER = """
    INSERT INTO staff (id, email, name, password_hash, roles, status, version, created_at)
    VALUES (%(id)s, %(email)s, %(name)s, %(password_hash)s, %(roles)s, %(status)s, %(version)s, %(created_at)s)
    ON CONFLICT DO NOTHING
"""
SAVE_MEMBER = """
    UPDATE staff SET name = %(name)s, roles = %(roles)s, status = %(status)s, version = %(version)s WHERE id = %(id)s
"""
FIND_ROLE = "SELECT name, permissions, version FROM roles WHERE name = %(name)s FOR UPDATE"
LIST_ROLES = """
    SELECT name, permissions, version FROM roles
     WHERE %(names)s::text[] IS NULL OR name = ANY(%(names)s) ORDER BY name
"""
ADD_ROLE = """
    INSERT INTO roles (name, permissions, version) VALUES (%(name)s, %(permissions)s, %(version)s)
    ON CONFLICT DO NOTHING
"""
SAVE_ROLE = """
    INSERT INTO roles (name, permissions, version) VALUES (%(name)s, %(permissions)s, %(version)s)
    ON CONFLICT (name) DO UPDATE SET permissions = excluded.permissions, version = excluded.version
"""
ADD_INVITATION = """
    INSERT INTO invitations (id, token_hash, email, roles, invited_by, created_at, expires_at)
    VALUES (%(id)s, %(token_hash)s, %(email)s, %(roles)s, %(invited_by)s, %(created_at)s, %(expires_at)s)
"""
FIND_INVITATION = f"SELECT {INVITATION} FROM invitations WHERE token_hash = %(token_hash)s FOR UPDATE"  # noqa: S608
SAVE_INVITATION = "UPDATE invitations SET accepted_at = %(accepted_at)s WHERE id = %(id)s"
LIST_INVITATIONS = f"""
    SELECT {INVITATION} FROM invitations
     WHERE %(after_at)s::timestamptz IS NULL OR (created_at, id) < (%(after_at)s, %(after_id)s::uuid)
     ORDER BY created_at DESC, id DESC LIMIT %(limit)s
"""  # noqa: S608
ADD_ENTRY = """
    INSERT INTO audit (id, at, service, actor, action, subject, before, after, personal, source_ip)
    VALUES (%(id)s, %(at)s, %(service)s, %(actor)s, %(action)s, %(subject)s, %(before)s, %(after)s, %(personal)s,
            %(source_ip)s)
    ON CONFLICT DO NOTHING
"""
LIST_ENTRIES = f"""
    SELECT {ENTRY} FROM audit
     WHERE (%(after_at)s::timestamptz IS NULL OR (at, id) < (%(after_at)s, %(after_id)s::uuid))
       AND (%(actor)s::text IS NULL OR actor = %(actor)s)
       AND (%(subject)s::text IS NULL OR subject = %(subject)s)
     ORDER BY at DESC, id DESC LIMIT %(limit)s
"""  # noqa: S608


class KeptStaff(KeptAccounts):
    """Everything the admin service keeps, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        super().__init__(tx, account=ACCOUNT)
        self.attempts = KeptAttempts(tx)

    def permissions(self, subject: str, *, held: bool = False) -> frozenset[str] | None:
        """Return what a member may do today; None where they may not be signed in. `held` keeps them from being suspended."""
        member = self._member(HOLD_MEMBER if held else FIND_MEMBER, subject)
        if member is None or member.status is not Status.ACTIVE:
            return None
        return permissions_of(self.roles(member.roles))

    def turn(self) -> None:
        """Wait until nobody else changes staff or roles, before any other lock."""
        self._tx.later(TURN)

    def member(self, member_id: str) -> StaffMember | None:
        """Return a member of staff."""
        return self._member(FIND_MEMBER, member_id)

    def member_for_change(self, member_id: str) -> StaffMember | None:
        """Return a member of staff, locked until the transaction ends."""
        return self._member(LOCK_MEMBER, member_id)

    def _member(self, sql: str, member_id: str) -> StaffMember | None:
        row = self._tx.one(sql, id=member_id)
        return None if row is None else msgspec.convert(row, StaffMember)

    def standing(self, member_id: str) -> Standing | None:
        """Return what a member may do at this moment."""
        member = self.member(member_id)
        return None if member is None else Standing.of(member, self.roles(member.roles))

    def members(self, *, limit: int, cursor: str | None) -> Page[StaffMember]:
        """Return a page of staff, newest first."""
        return self._page(LIST_MEMBERS, StaffMember, limit, cursor, lambda one: one.created_at)

    def add_member(self, member: StaffMember, password_hash: str) -> bool:
        """Keep a new member; False when the email is taken."""
        return self._tx.run(ADD_MEMBER, **_columns(member), password_hash=password_hash) == 1

    def save_member(self, member: StaffMember, *events: Event) -> None:
        """Keep a changed member and put events in the outbox."""
        self._tx.run(SAVE_MEMBER, **_columns(member))
        self.add_events(*events)

    def role(self, name: str) -> Role | None:
        """Return a role for change."""
        row = self._tx.one(FIND_ROLE, name=name)
        return None if row is None else msgspec.convert(row, Role)

    def roles(self, names: Iterable[str] | None = None) -> list[Role]:
        """Return the roles of these names, or all, by name."""
        rows = self._tx.all(LIST_ROLES, names=None if names is None else sorted(names))
        return [msgspec.convert(row, Role) for row in rows]

    def add_role(self, role: Role, *events: Event) -> bool:
        """Keep a new role and put events in the outbox; False when the name is taken."""
        added = self._tx.run(ADD_ROLE, **_columns(role)) == 1
        if added:
            self.add_events(*events)
        return added

    def save_role(self, role: Role, *events: Event) -> None:
        """Keep a role, new or changed, and put events in the outbox."""
        self._tx.run(SAVE_ROLE, **_columns(role))
        self.add_events(*events)

    def add_invitation(self, invitation: Invitation, token_hash: str) -> None:
        """Keep a new invitation; only the token's hash."""
        self._tx.run(ADD_INVITATION, **_columns(invitation), token_hash=token_hash)

    def invitation(self, token_hash: str) -> Invitation | None:
        """Return an invitation for change: locked until the transaction ends."""
        row = self._tx.one(FIND_INVITATION, token_hash=token_hash)
        return None if row is None else msgspec.convert(row, Invitation)

    def save_invitation(self, invitation: Invitation) -> None:
        """Keep a changed invitation."""
        self._tx.run(SAVE_INVITATION, **_columns(invitation))

    def invitations(self, *, limit: int, cursor: str | None) -> Page[Invitation]:
        """Return a page of invitations, newest first."""
        return self._page(LIST_INVITATIONS, Invitation, limit, cursor, lambda one: one.created_at)

    def add_entry(self, entry: Entry) -> None:
        """Keep an entry of the audit trail; the same one twice is one."""
        from psycopg2.extras import Json

        row = msgspec.structs.asdict(entry)
        self._tx.run(ADD_ENTRY, **{**row, "before": Json(entry.before), "after": Json(entry.after)})

    def entries(self, *, actor: str | None, subject: str | None, limit: int, cursor: str | None) -> Page[Entry]:
        """Return a page of the audit trail, newest first."""
        return self._page(LIST_ENTRIES, Entry, limit, cursor, lambda one: one.at, actor=actor, subject=subject)

    def add_events(self, *events: Event) -> None:
        """Put events in the outbox."""
        records.add_events(self._tx, *events)

    def _page(
        self, sql: str, shape: type[Item], limit: int, cursor: str | None, age: Callable[[Item], datetime], **more: Any
    ) -> Page[Item]:
        after = unseal(cursor, tuple[datetime, str]) or (None, None)
        rows = self._tx.all(sql, after_at=after[0], after_id=after[1], limit=limit + 1, **more)
        return page([msgspec.convert(row, shape) for row in rows], limit, lambda one: (age(one), one.id))


def _columns(thing: msgspec.Struct) -> Row:
    """Return a struct's fields as PostgreSQL takes them: sets are arrays."""
    row = msgspec.structs.asdict(thing)
    return {name: sorted(value) if isinstance(value, frozenset) else value for name, value in row.items()}
