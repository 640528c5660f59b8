"""The admin service's keeper in memory: what unit tests use, held to the same contract as the one in PostgreSQL."""

from collections.abc import Iterable

from contract.souk.keeping import MemoryTransactions, newest
from contract.souk.memory import MemorySessions
from msgspec.structs import replace

from chalicelib.admin.model import Invitation, Role, StaffMember, Standing, permissions_of
from chalicelib.admin.trail import Entry
from souk.accounts import Status
from souk.events import Event
from souk.paging import Page
from souk.signing_in import Account


class MemoryRoles(MemoryTransactions):
    """Roles by name."""

    def __init__(self) -> None:
        super().__init__()
        self._roles: dict[str, Role] = {}

    def role(self, name: str) -> Role | None:
        return self._roles.get(name)

    def roles(self, names: Iterable[str] | None = None) -> list[Role]:
        wanted = set(self._roles if names is None else names)
        return [self._roles[name] for name in sorted(self._roles) if name in wanted]

    def add_role(self, role: Role, *events: Event) -> bool:
        if role.name in self._roles:
            return False
        self.save_role(role, *events)
        return True

    def save_role(self, role: Role, *events: Event) -> None:
        self._roles[role.name] = role
        self.add_events(*events)


class MemoryInvitations(MemoryTransactions):
    """Invitations by the hash of their token; see `invitations.Invitations`."""

    def __init__(self) -> None:
        super().__init__()
        self._invitations: dict[str, Invitation] = {}

    def add_invitation(self, invitation: Invitation, token_hash: str) -> None:
        self._invitations[token_hash] = invitation

    def invitation(self, token_hash: str) -> Invitation | None:
        return self._invitations.get(token_hash)

    def save_invitation(self, invitation: Invitation) -> None:
        for token_hash, known in self._invitations.items():
            if known.id == invitation.id:
                self._invitations[token_hash] = replace(known, accepted_at=invitation.accepted_at)

    def invitations(self, *, limit: int, cursor: str | None) -> Page[Invitation]:
        return newest(self._invitations.values(), lambda one: one.created_at, limit=limit, cursor=cursor)


class MemoryTrail:
    """Entries by id; see `trail.Trail`."""

    def __init__(self) -> None:
        super().__init__()
        self._entries: dict[str, Entry] = {}

    def add_entry(self, entry: Entry) -> None:
        self._entries.setdefault(entry.id, entry)

    def entries(self, *, actor: str | None, subject: str | None, limit: int, cursor: str | None) -> Page[Entry]:
        found = [one for one in self._entries.values() if actor in {None, one.actor} and subject in {None, one.subject}]
        return newest(found, lambda one: one.at, limit=limit, cursor=cursor)


class MemoryStaff(MemoryRoles, MemoryInvitations, MemoryTrail, MemorySessions):
    """Everything the admin service keeps; see `staff.Staff` and `signing_in.Accounts`. Nobody else is here to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._members: dict[str, StaffMember] = {}
        self._passwords: dict[str, str] = {}

    def turn(self) -> None: ...

    def account(self, email: str) -> Account | None:
        found = next((one for one in self._members.values() if one.email.lower() == email.lower()), None)
        if found is None:
            return None
        return Account(subject=found.id, password_hash=self._passwords[found.id], active=found.status is Status.ACTIVE)

    def permissions(self, subject: str, *, held: bool = False) -> frozenset[str] | None:  # noqa: ARG002 - nobody else is here
        member = self.member(subject)
        if member is None or member.status is not Status.ACTIVE:
            return None
        return permissions_of(self.roles(member.roles))

    def member(self, member_id: str) -> StaffMember | None:
        return self._members.get(member_id)

    def member_for_change(self, member_id: str) -> StaffMember | None:
        return self.member(member_id)

    def standing(self, member_id: str) -> Standing | None:
        member = self.member(member_id)
        return None if member is None else Standing.of(member, self.roles(member.roles))

    def members(self, *, limit: int, cursor: str | None) -> Page[StaffMember]:
        return newest(self._members.values(), lambda one: one.created_at, limit=limit, cursor=cursor)

    def add_member(self, member: StaffMember, password_hash: str) -> bool:
        if member.id in self._members or self.account(member.email) is not None:
            return False
        self._members[member.id], self._passwords[member.id] = member, password_hash
        return True

    def save_member(self, member: StaffMember, *events: Event) -> None:
        known = self._members[member.id]
        self._members[member.id] = replace(
            known, name=member.name, roles=member.roles, status=member.status, version=member.version
        )
        self.add_events(*events)
