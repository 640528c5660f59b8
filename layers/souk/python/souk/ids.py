"""Identifiers: UUIDv7 for what is new, UUIDv5 of a key where a retry must find the same thing (RFC 9562)."""

import os
import time
import uuid

_SPACE = uuid.UUID("6c0c2f0e-6a5e-5d7e-9b44-0d5b6f1f7a10")  # Souk's own name space; never change it


def new_id() -> str:
    """Return a fresh UUIDv7: 48 bits of Unix milliseconds, then random bits, so that new rows sort last."""
    stamp = time.time_ns() // 1_000_000
    value = (stamp << 80) | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | (0x7 << 76)
    value = value & ~(0x3 << 62) | (0x2 << 62)
    return str(uuid.UUID(int=value))


def id_of(*parts: str | int) -> str:
    """Return the UUIDv5 of `parts`: the same parts always give the same id."""
    return str(uuid.uuid5(_SPACE, "\x1f".join(str(part) for part in parts)))


def is_id(text: str) -> bool:
    """Tell whether `text` is a UUID in its canonical form, so that it is safe to hand to a store's uuid column."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
