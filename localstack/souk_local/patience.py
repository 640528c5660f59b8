"""Looking again at what takes its time: the one place that pauses between two looks, for the stack, the tools and the bench."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")


def keep_looking(
    look: Callable[[], Found],
    *,
    within: float,
    pause: float | Callable[[], float],
    enough: Callable[[Found], object] = bool,
) -> Found:
    """Look until it is enough, or so many seconds are over; return what was seen last, which may not be enough.

    There is one look at least. `pause` is the seconds between two looks, or says them each time.
    """
    end = time.monotonic() + within
    while not enough(found := look()) and time.monotonic() < end:
        time.sleep(pause() if callable(pause) else pause)
    return found
