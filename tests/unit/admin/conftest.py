"""An office of the shop with everything in memory."""

import pytest
from contract.admin.memory import MemoryStaff
from contract.admin.people import NOW, member

from chalicelib.admin import invitations, staff
from chalicelib.admin.model import OWNER, PERMISSIONS, Invitation, Role, StaffMember
from souk.accounts import Status
from souk.audit import Audited, Origin
from souk.auth import Caller, Kind
from souk.ids import new_id


class Office:
    """Staff in memory, and what they do with the token that they got when they last signed in."""

    def __init__(self) -> None:
        self.store = MemoryStaff()
        self.store.save_role(Role(name=OWNER, permissions=PERMISSIONS))

    def role(self, *permissions: str) -> str:
        made = Role(name="r" + new_id()[-12:], permissions=frozenset(permissions))
        assert self.store.add_role(made)
        return made.name

    def hire(self, *roles: str) -> StaffMember:
        made = member(*roles)
        assert self.store.add_member(made, "a hash")
        return made

    def owner(self) -> StaffMember:
        return self.hire(OWNER)

    def clerk(self, *permissions: str) -> StaffMember:
        return self.hire(self.role(*permissions))

    def origin(self, who: StaffMember) -> Origin:
        """Return somebody with a token of this moment."""
        standing = self.store.standing(who.id)
        assert standing is not None
        return Origin(Caller(kind=Kind.STAFF, subject=who.id, permissions=standing.permissions), "10.0.0.1")

    def now(self, who: StaffMember) -> StaffMember:
        """Return a member as they are by now."""
        return staff.read(who.id, store=self.store)

    def suspend(self, who: StaffMember, by: Origin) -> StaffMember:
        with self.store.transaction() as store:
            return staff.suspend(who.id, by=by, now=NOW, store=store)

    def reinstate(self, who: StaffMember, by: Origin) -> StaffMember:
        with self.store.transaction() as store:
            return staff.reinstate(who.id, by=by, now=NOW, store=store)

    def assign(self, who: StaffMember, *roles: str, by: Origin) -> StaffMember:
        seen = self.now(who).version
        with self.store.transaction() as store:
            return staff.assign(who.id, frozenset(roles), None, seen=seen, by=by, now=NOW, store=store)

    def invite(self, *roles: str, by: Origin, email: str = "") -> tuple[Invitation, str]:
        email = email or f"{new_id()}@example.com"
        with self.store.transaction() as store:
            return invitations.invite(email, frozenset(roles), by=by, now=NOW, store=store)

    def accept(self, token: str) -> StaffMember:
        with self.store.transaction() as store:
            return invitations.accept(token, "Grace", "a hash", ip="10.0.0.2", now=NOW, store=store)

    def grant(self, name: str, *permissions: str, by: Origin) -> Role:
        seen = staff.read_role(name, store=self.store).version
        with self.store.transaction() as store:
            return staff.change_role(name, frozenset(permissions), seen=seen, by=by, now=NOW, store=store)

    def add_role(self, *permissions: str, by: Origin) -> Role:
        made = Role(name="r" + new_id()[-12:], permissions=frozenset(permissions))
        with self.store.transaction() as store:
            return staff.add_role(made, by=by, now=NOW, store=store)

    @property
    def said(self) -> list[Audited]:
        """What was told to the audit trail."""
        return [event.read(Audited) for event in self.store.outbox]

    @property
    def active(self) -> list[StaffMember]:
        return [one for one in self.store.members(limit=100, cursor=None).items if one.status is Status.ACTIVE]


@pytest.fixture
def office() -> Office:
    return Office()
