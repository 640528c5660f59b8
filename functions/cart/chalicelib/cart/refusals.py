"""Refusals kept for a repeated Idempotency-Key; a change that took effect is noted in its cart instead."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from chalicelib.cart.live_cart import BUCKETS, bucket
from souk.errors import SoukError
from souk.idempotency import Attempt, reused
from souk.redis import Redis

KEPT_FOR = 86_400  # seconds


class _Refusal(msgspec.Struct, frozen=True):
    fingerprint: str
    outcome: bytes


class KeptRefusals:
    """Refusals in Redis, beside the carts: they have no effect, so that one which gets lost is only decided again.

    One of these serves one request; see `souk.idempotency.Attempts`.
    """

    def __init__(self, redis: Redis) -> None:
        """Keep them in `redis`."""
        self._redis = redis
        self._refused = False

    def recall(self, attempt: Attempt) -> bytes | None:
        """Return the refusal that the same request got. Raises Invalid where the key came with another body."""
        [kept] = self._redis.ask(("GET", _key(attempt)))
        if kept is None:
            return None
        refusal = msgspec.json.decode(kept, type=_Refusal)
        if refusal.fingerprint != attempt.fingerprint:
            raise reused()
        return refusal.outcome

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
        refusal = msgspec.json.encode(_Refusal(attempt.fingerprint, outcome)).decode()
        self._redis.ask(("SET", _key(attempt), refusal, "EX", KEPT_FOR, "NX"))


def _key(attempt: Attempt) -> str:
    return f"{bucket(int(attempt.scope[-4:], 16) % BUCKETS)}:refused:{attempt.scope}"
