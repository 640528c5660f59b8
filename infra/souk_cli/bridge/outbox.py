"""Where events wait to be sent: what every kind of outbox has in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from souk_cli.bridge import topology
from souk_cli.bridge.publisher import Message

Publish = Callable[[Sequence[Message]], frozenset[str]]
"""Publishes messages and returns the ids of those that arrived; raises Unavailable."""


class Lag(Struct, frozen=True, kw_only=True):
    """What waits to be sent, and for how long the oldest of it has."""

    unsent: int
    oldest_seconds: float


class Source(Protocol):
    """An outbox; any number of relays may empty the same one."""

    name: str
    service: str
    busy: float
    """Seconds between two looks while there is something."""

    def listen(self, wake: Callable[[], None]) -> Callable[[], bool]:
        """Have `wake` called when there is something, and return what tells whether it would be called now."""
        ...

    def pass_on(self, publish: Publish) -> int:
        """Publish what waits, at most a batch of it, mark what arrived as sent, and return how many those were."""
        ...

    def lag(self) -> Lag:
        """Return what waits."""
        ...

    def purge(self) -> int:
        """Remove some of what is kept long enough after sending, and return how many that was."""
        ...


def deaf(_: Callable[[], None]) -> Callable[[], bool]:
    """Listen to nothing: this store does not tell when there is something."""
    return lambda: False


def message(event_id: str, kind: str, body: str | bytes) -> Message:
    """Return an event as it is published."""
    raw = body if isinstance(body, bytes) else body.encode()
    return Message(exchange=topology.EVENTS, key=kind, id=event_id, body=raw)
