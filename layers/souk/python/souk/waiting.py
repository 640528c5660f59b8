"""Waiting: what a client prefers (RFC 7240), and requests that are kept open until something happens, a few at once."""

import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import msgspec

Seen = TypeVar("Seen")
LONGEST = 10  # seconds: well below the 29 after which API Gateway gives up
SEATS = 8  # requests that may wait in a process: half of the threads of a `souk serve` worker
SOON, EAGER, LATER = 0.04, 1.0, 0.05  # seconds between two looks in the first second, and after it
UNHEARD = 0.5  # seconds between two looks where a bell says when to look
READ = 256  # characters of the header: no client of ours says more
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_PREFERENCE = re.compile(rf'({_NAME})\s*(?:=\s*({_QUOTED}|{_NAME})?)?\s*(?:;(?:[^,"]|{_QUOTED})*)?(?:,|$)')


class Full(Exception):
    """So many requests wait in this process already that this one is answered now."""

    retry_after = 1  # seconds


class Preferences(msgspec.Struct, frozen=True):
    """What a client would like, each name with its value; none of it binds us."""

    given: Mapping[str, str] = {}

    @classmethod
    def of(cls, header: str) -> "Preferences":
        """Read a Prefer header; of a preference given twice the first counts, parameters are nothing to us."""
        given: dict[str, str] = {}
        for name, value in _PREFERENCE.findall(header[:READ]):
            given.setdefault(name.lower(), value.strip('"'))
        return cls(given)

    def __contains__(self, name: str) -> bool:
        """Tell whether it is preferred, with whatever value."""
        return name in self.given

    def wait(self, longest: int = LONGEST) -> int:
        """Return for how many seconds the client would wait for an answer, at most `longest`; 0 where it says nothing."""
        value = self.given.get("wait", "")
        return min(int(value), longest) if value.isdecimal() and value.isascii() else 0


class Signal(Protocol):
    """Says when to look, see `souk.bells`."""

    @property
    def hears(self) -> bool:
        """Whether it would say so now."""

    def wait(self, seconds: float) -> None:
        """Wait until it says so, for so many seconds at most."""


class Room:
    """Where requests wait. One that waits holds its thread, which then answers nobody else: so the seats are few."""

    def __init__(
        self,
        seats: int = SEATS,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Make a room of so many seats."""
        self._seats = threading.BoundedSemaphore(seats)
        self._clock, self._pause = clock, pause

    def until(self, look: Callable[[], Seen | None], *, seconds: float, bell: Signal | None = None) -> Seen | None:
        """Look again and again until something is seen, and return it; None where the time is up. Raises Full, unlooked.

        Each look is one short question, outside of any transaction; a bell that is rung asks for one at once.
        """
        if not self._seats.acquire(blocking=False):
            raise Full
        try:
            return self._watch(look, seconds, bell)
        finally:
            self._seats.release()

    def _watch(self, look: Callable[[], Seen | None], seconds: float, bell: Signal | None) -> Seen | None:
        began, wait = self._clock(), bell.wait if bell else self._pause
        while not (seen := look()):
            gone = self._clock() - began
            if gone >= seconds:
                return None
            usual = SOON if gone < EAGER else LATER
            wait(min(UNHEARD if bell and bell.hears else usual, seconds - gone))
        return seen


ROOM = Room()  # of this process: `souk serve` runs all services in one


def applied(preference: str) -> dict[str, str]:
    """Return the headers that say which preference was honoured."""
    return {"Preference-Applied": preference, "Vary": "Prefer"}
