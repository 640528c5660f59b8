"""Members of staff, roles, invitations and entries to give to keepers."""

from datetime import timedelta

from contract.admin.conftest import Store

from chalicelib.admin.model import INVITED_FOR, PERMISSIONS, Invitation, Role, StaffMember
from chalicelib.admin.trail import Entry
from souk.audit import Audited
from souk.clock import utcnow
from souk.events import Event
from souk.ids import new_id

NOW = utcnow()


def role(*permissions: str) -> Role:
    return Role(name="r" + new_id()[-12:], permissions=frozenset(permissions))


def member(*roles: str, email: str = "", minutes: int = 0) -> StaffMember:
    """Return somebody who joined so many minutes ago."""
    who = new_id()
    return StaffMember(
        id=who,
        email=email or f"{who}@example.com",
        name="Grace",
        roles=frozenset(roles),
        created_at=NOW - timedelta(minutes=minutes),
    )


def joined(store: Store, *permissions: str) -> StaffMember:
    """Return a new member who may do this."""
    made = role(*permissions)
    who = member(made.name)
    assert store.add_role(made)
    assert store.add_member(who, "a hash")
    return who


def boss(store: Store) -> StaffMember:
    """Return a new member who may do everything."""
    return joined(store, *sorted(PERMISSIONS))


def invitation(*, by: str, minutes: int = 0, roles: frozenset[str] = frozenset({"desk"})) -> Invitation:
    at = NOW - timedelta(minutes=minutes)
    return Invitation(
        id=new_id(),
        email=f"{new_id()}@example.com",
        roles=roles,
        invited_by=by,
        created_at=at,
        expires_at=at + INVITED_FOR,
    )


def entry(*, actor: str = "", subject: str = "", minutes: int = 0) -> Entry:
    return Entry(
        id=new_id(),
        at=NOW - timedelta(minutes=minutes),
        service="product",
        actor=actor or new_id(),
        action="product.edit",
        subject=subject or new_id(),
        before={"title": "Tea", "skus": [{"price": 1}]},
        after={"title": None},
        personal=["name"],
        source_ip="10.0.0.1",
    )


def event() -> Event:
    fact = Audited(service="admin", actor="me", action="staff.edit", subject="it")
    return Event.of(fact, aggregate=new_id(), version=1, now=NOW)
