"""Versions: what two people may edit is changed as it was seen, or not at all."""

from typing import Protocol, TypeVar

from souk.errors import Stale


class Versioned(Protocol):
    """Something that counts its changes."""

    @property
    def version(self) -> int:
        """How many there were."""


Thing = TypeVar("Thing", bound=Versioned)


def as_seen(thing: Thing, seen: int, *, name: str) -> Thing:
    """Return the thing, called `name`. Raises Stale when it is at another version than the caller saw."""
    if thing.version != seen:
        raise Stale(f"the {name} is at version {thing.version}")
    return thing
