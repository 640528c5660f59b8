"""Refusals kept for a repeated Idempotency-Key; a change that took effect is noted in its cart instead."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import msgspec

from chalicelib.cart.model import KEPT_FOR
from chalicelib.cart.scripts import refusal_key
from souk.errors import SoukError
from souk.idempotency import Attempt, Recalled, reused
from souk.redis import Redis


class Refusal(msgspec.Struct, frozen=True):
    """What a request was refused with, as Redis keeps it."""

    fingerprint: str
    outcome: bytes

    @classmethod
    def of(cls, kept: str) -> "Refusal":
        """Read what Redis keeps."""
        return msgspec.json.decode(kept, type=cls)

    def recalled(self, fingerprint: str) -> Recalled:
        """Return this as the answer to a request. Raises Invalid where the key came with another body."""
        if fingerprint != self.fingerprint:
            raise reused()
        return Recalled(self.outcome)


class KeptRefusals:
    """Refusals in Redis, beside the carts: they have no effect, so that one which gets lost is only decided again.

    One of these serves one request; see `souk.idempotency.Attempts`.
    """

    def __init__(self, redis: Redis, cart_id: str | None = None) -> None:
        """Keep them in `redis`; those of changes that look for them themselves beside their cart."""
        self._redis = redis
        self._cart_id = cart_id
        self._refused = False

    def recall(self, attempt: Attempt) -> bytes | None:
        """Return the refusal that the same request got. Raises Invalid where the key came with another body."""
        if self._cart_id is not None:
            return None  # the change looks for it, in its own round trip
        [kept] = self._redis.ask(("GET", self._key(attempt)))
        return None if kept is None else Refusal.of(kept).recalled(attempt.fingerprint).outcome

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo nothing, a refused change has changed nothing; see whether it is refused."""
        try:
            yield
        except SoukError:
            self._refused = True
            raise

    def remember(self, attempt: Attempt, outcome: bytes) -> None:
        """Keep a refusal; the answer to a change is kept in its cart."""
        if not self._refused:
            return
        refusal = msgspec.json.encode(Refusal(attempt.fingerprint, outcome)).decode()
        self._redis.ask(("SET", self._key(attempt), refusal, "EX", KEPT_FOR // timedelta(seconds=1), "NX"))

    def _key(self, attempt: Attempt) -> str:
        return refusal_key(self._cart_id or attempt.scope, attempt.scope)
