"""The audit trail: every change staff make leaves who, what, before and after, when and from where."""

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from souk.auth import Caller
from souk.events import Event, Fact
from souk.ids import new_id


class Audited(Fact, frozen=True, kw_only=True):
    """A change made by staff. Personal fields are named in `personal` and never quoted."""

    TYPE: ClassVar[str] = "admin.audited"

    service: str
    actor: str
    action: str
    subject: str
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    personal: list[str] = []
    source_ip: str = ""


class Origin(msgspec.Struct, frozen=True):
    """Who makes a change, and from where."""

    caller: Caller
    source_ip: str = ""


def audited(  # the parts of an audit entry
    by: Origin,
    action: str,
    subject: str,
    *,
    service: str,
    now: datetime,
    before: msgspec.Struct | None = None,
    after: msgspec.Struct | None = None,
    personal: frozenset[str] = frozenset(),
) -> Event:
    """Return the event for `action` (`product.publish`) on `subject`; only fields that changed are kept."""
    old, new = _fields(before), _fields(after)
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    fact = Audited(
        service=service,
        actor=by.caller.subject,
        action=action,
        subject=subject,
        before={name: old[name] for name in sorted(changed - personal) if name in old},
        after={name: new[name] for name in sorted(changed - personal) if name in new},
        personal=sorted(changed & personal),
        source_ip=by.source_ip,
    )
    return Event.of(fact, aggregate=new_id(), version=1, now=now)


def _fields(thing: msgspec.Struct | None) -> dict[str, Any]:
    return {} if thing is None else msgspec.to_builtins(thing, str_keys=True)
