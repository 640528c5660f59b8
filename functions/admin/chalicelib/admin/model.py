"""Nouns and rules of the admin service: staff, their roles, the permissions in them, invitations; pure."""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar

import msgspec
from msgspec.structs import replace

from souk.accounts import Holder, Status
from souk.errors import Fault, Invalid, Refused

AREAS = ("staff", "roles", "audit", "customers", "catalog", "products", "orders", "stock", "vouchers", "taxes")
PERMISSIONS = frozenset(f"{area}:{verb}" for area in AREAS for verb in ("read", "write"))
OWNER = "owner"  # the role of the first member of staff; it holds every permission and cannot be changed
INVITED_FOR = timedelta(days=7)

RoleName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9-]{1,39}$(?!\n)", examples=["order-desk"])]


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of permissions."""

    name: str
    permissions: frozenset[str]
    version: int = 1

    def __post_init__(self) -> None:
        """Refuse permissions that no route asks for. Raises Invalid."""
        unknown = sorted(self.permissions - PERMISSIONS)
        if unknown:
            faults = [Fault("/permissions", f"{one} is not a permission") for one in unknown]
            raise Invalid("unknown permissions", faults=faults)

    def granting(self, permissions: frozenset[str]) -> "Role":
        """Return this role with other permissions. Raises Refused for the owner's."""
        if self.name == OWNER:
            raise Refused("the owner's role holds every permission, always")
        return Role(name=self.name, permissions=permissions, version=self.version + 1)


class StaffMember(Holder, frozen=True, kw_only=True):
    """Somebody who works in the shop."""

    CALLED: ClassVar[str] = "member of staff"

    roles: frozenset[str]

    def suspended(self, *, by: str) -> "StaffMember":
        """Return this member suspended. Raises Refused for oneself, and for whoever is suspended already."""
        if self.id == by:
            raise Refused("nobody can suspend themselves")
        return self.become(Status.SUSPENDED)

    def reinstated(self) -> "StaffMember":
        """Return this member active again. Raises Refused for whoever is active."""
        return self.become(Status.ACTIVE)


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a member of staff may work here at this moment, and what they may do."""

    status: Status
    permissions: frozenset[str]

    @classmethod
    def of(cls, member: StaffMember, roles: list[Role]) -> "Standing":
        """Return how a member stands whose roles are these."""
        return cls(status=member.status, permissions=permissions_of(roles))

    def may_grant(self, permissions: frozenset[str]) -> bool:
        """Tell whether this member may give these permissions to others."""
        return self.status is Status.ACTIVE and permissions <= self.permissions


class Invitation(msgspec.Struct, frozen=True, kw_only=True):
    """A one-time invitation to join the staff with certain roles."""

    id: str
    email: str
    roles: frozenset[str]
    invited_by: str
    created_at: datetime
    expires_at: datetime
    accepted_at: datetime | None = None

    def accepted(self, now: datetime) -> "Invitation":
        """Return this invitation used up. Raises Refused when it was used, or when it is too late."""
        if self.accepted_at is not None:
            raise Refused("the invitation was accepted already", code="invitation-used")
        if self.expires_at <= now:
            raise Refused("the invitation has expired", code="invitation-expired")
        return replace(self, accepted_at=now)


def permissions_of(roles: list[Role]) -> frozenset[str]:
    """Return every permission that any of the roles grants; the owner's grants those too that are newer than itself."""
    return frozenset[str]().union(*(PERMISSIONS if role.name == OWNER else role.permissions for role in roles))
