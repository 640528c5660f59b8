"""Passwords: argon2id (RFC 9106) hashes, and which passwords are refused."""

import functools
import os
from pathlib import Path

from souk.errors import Fault, Invalid

LEAST = 10  # characters
MOST = 256  # characters; hashing a megabyte would be a gift to an attacker
_ROUNDS, _LANES, _MEMORY = 2, 1, 19_456  # OWASP's password storage cheat sheet: m=19 MiB, t=2, p=1


def check(password: str, *, pointer: str = "/password") -> None:
    """Raise Invalid for a password that is too short, too long or commonly used."""
    if not LEAST <= len(password) <= MOST:
        raise Invalid("the password is refused", faults=[Fault(pointer, f"from {LEAST} to {MOST} characters")])
    if password.lower() in _common():
        raise Invalid("the password is refused", faults=[Fault(pointer, "this password is commonly used")])


@functools.cache
def _common() -> frozenset[str]:
    return frozenset(Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").split())


def hashed(password: str) -> str:
    """Return the PHC string to store; takes tens of milliseconds on purpose."""
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    kdf = Argon2id(salt=os.urandom(16), length=32, iterations=_ROUNDS, lanes=_LANES, memory_cost=_MEMORY)
    return kdf.derive_phc_encoded(password.encode())


def accepted(password: str, *, pointer: str = "/password") -> str:
    """Return the PHC string of a password that is good enough. Raises Invalid for one that is not.

    Hash before a transaction is opened: it would keep its connection for all of that time.
    """
    check(password, pointer=pointer)
    return hashed(password)


def matches(password: str, stored: str | None) -> bool:
    """Tell whether `password` is the one behind `stored`.

    For nobody's hash (None) the answer is no after the same work, so that the time tells nothing about who is known.
    """
    from cryptography.exceptions import InvalidKey
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    try:
        Argon2id.verify_phc_encoded(password[:MOST].encode(), stored or _nobody())
    except InvalidKey:
        return False
    return stored is not None


@functools.cache
def _nobody() -> str:
    return hashed(os.urandom(16).hex())
