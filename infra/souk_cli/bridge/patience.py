"""How long to wait before trying again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

BUSY, IDLE = 0.02, 0.25  # seconds between looks
LINGER = 3.0  # seconds that something counts as busy after it last was
GROWTH = 1.5


def growing(tries: int, *, first: float, longest: float) -> float:
    """Return the seconds to wait after so many tries that failed: doubled each time."""
    return float(min(longest, first * 2 ** min(max(tries - 1, 0), 30)))


class Patience:
    """Waits longer after each failure, a little differently each time, so that many don't come back at once."""

    def __init__(self, *, first: float, longest: float) -> None:
        """Say the first wait and the longest, in seconds."""
        self._first, self._longest = first, longest
        self._failures = 0

    def next(self) -> float:
        """Return the seconds to wait after one more failure."""
        self._failures += 1
        return growing(self._failures, first=self._first, longest=self._longest) * random.uniform(0.8, 1.2)  # noqa: S311

    def reset(self) -> None:
        """Begin again: it worked."""
        self._failures = 0


class Pace:
    """How often to look for something new: often while there is something, less and less when there is not."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, busy: float = BUSY) -> None:
        """Start busy, with so many seconds between looks."""
        self._clock, self._busy = clock, busy
        self._busy_until = clock() + LINGER
        self._wait = busy

    def hurry(self) -> None:
        """Look often again: something was found, or may be soon."""
        self._busy_until = self._clock() + LINGER
        self._wait = self._busy

    def next(self) -> float:
        """Return the seconds until the next look."""
        if self._clock() > self._busy_until:
            self._wait = min(IDLE, self._wait * GROWTH)
        return self._wait
