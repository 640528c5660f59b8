"""The audit trail: entries from every service, kept once and never changed."""

from datetime import datetime
from typing import Any, Protocol

import msgspec

from souk.audit import Audited
from souk.events import Event
from souk.paging import Page


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A change that staff made: who, what, before and after, when and from where."""

    id: str
    at: datetime
    service: str
    actor: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]
    personal: list[str]
    source_ip: str


class Trail(Protocol):
    """What keeps the entries."""

    def add_entry(self, entry: Entry) -> None:
        """Keep an entry; the same one twice is one."""

    def entries(self, *, actor: str | None, subject: str | None, limit: int, cursor: str | None) -> Page[Entry]:
        """Return a page of entries, newest first."""


def record(event: Event, fact: Audited, *, store: Trail) -> None:
    """Keep what an event says; its id is the entry's, so that a second delivery changes nothing."""
    entry = Entry(
        id=event.id,
        at=event.occurred_at,
        service=fact.service,
        actor=fact.actor,
        action=fact.action,
        subject=fact.subject,
        before=fact.before,
        after=fact.after,
        personal=fact.personal,
        source_ip=fact.source_ip,
    )
    store.add_entry(entry)
