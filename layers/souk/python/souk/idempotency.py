"""Repeated requests: one Idempotency-Key, one effect, one answer."""

import hashlib
import hmac
import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import msgspec

from souk.errors import Invalid

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

_NONCE = 12  # bytes; fresh for each answer (RFC 8439)


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """A request that may come again: `scope` is the id of (caller, route, key), `fingerprint` the body's hash.

    Bodies may hold passwords and answers tokens, which must not lie readable in a table for a day. So the hash is keyed
    by the Idempotency-Key itself, which is kept nowhere, and answers are sealed with it.
    """

    scope: str
    fingerprint: str
    secret: bytes = b""

    @classmethod
    def of(cls, scope: str, key: str, body: bytes) -> "Attempt":
        """Return the attempt that `key` makes of a request with `body`."""
        secret = hmac.digest(key.encode(), scope.encode(), hashlib.sha256)
        return cls(scope=scope, fingerprint=hmac.digest(secret, body, hashlib.sha256).hex(), secret=secret)

    def seal(self, answer: bytes) -> bytes:
        """Return an answer as it is kept: readable for whoever has the key, and nobody else."""
        nonce = os.urandom(_NONCE)
        return nonce + _cipher(self.secret).encrypt(nonce, answer, self.scope.encode())

    def unseal(self, kept: bytes) -> bytes:
        """Return a kept answer."""
        return _cipher(self.secret).decrypt(kept[:_NONCE], kept[_NONCE:], self.scope.encode())


def _cipher(secret: bytes) -> "ChaCha20Poly1305":
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    return ChaCha20Poly1305(secret)


class Attempts(Protocol):
    """What keeps answers in the transaction of their effect, for 24 hours."""

    def recall(self, attempt: Attempt) -> bytes | None:
        """Claim `attempt`, or return the answer it got. Raises Invalid where the key came with another body."""

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo what is done inside when it raises, and nothing else of the transaction."""

    def remember(self, attempt: Attempt, outcome: bytes) -> None:
        """Keep the answer of a claimed attempt."""


class Recalled(Exception):
    """What keeps the effect found, in the same step, the answer that the same request got before."""

    def __init__(self, outcome: bytes) -> None:
        super().__init__("answered before")
        self.outcome = outcome


def reused() -> Invalid:
    """Return the one answer to a key that came with another body before, wherever keys are kept."""
    return Invalid("this Idempotency-Key came with another body before", code="key-reused")
