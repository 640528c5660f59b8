"""Looking again at what takes its time: the one place that pauses between two looks, for the stack, the tools and the bench."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from souk_local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")
WITHIN = 120.0  # seconds that an effect of an event may take; a fraction of one where functions are warm and the machine is idle
GLANCE = 0.05  # seconds between two looks


class InVain(StackError):
    """What was waited for did not come in time."""


def until(look: Callable[[], Found | None], what: str = "", *, within: float = WITHIN, pause: float = GLANCE) -> Found:
    """Look until there is something, and return it. Raises InVain, which says what for, when there is nothing in time."""
    found = keep_looking(look, within=within, pause=pause)
    if not found:
        raise InVain(f"waited {within:.0f} s in vain" + (f" for {what}" if what else ""))
    return found


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
