"""Repeated requests: one Idempotency-Key, one effect, one answer."""

from contextlib import AbstractContextManager
from typing import Protocol

import msgspec

from souk.errors import Invalid


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A request that may come again: `scope` is the id of (caller, route, key), `fingerprint` the body's hash."""

    scope: str
    fingerprint: str


class Attempts(Protocol):
    """What keeps answers in the transaction of their effect, for 24 hours."""

    def recall(self, attempt: Attempt) -> bytes | None:
        """Claim `attempt`, or return the answer it got. Raises Invalid where the key came with another body."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what is done inside when it raises, and nothing else of the transaction."""

    def remember(self, attempt: Attempt, outcome: bytes) -> None:
        """Keep the answer of a claimed attempt."""


def reused() -> Invalid:
    """Return the one answer to a key that came with another body before, wherever keys are kept."""
    return Invalid("this Idempotency-Key came with another body before", code="key-reused")
