"""Waiting for what takes its time, and giving up where it never comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from bench.wire import CannotGoOn
from souk_local.patience import keep_looking

Found = TypeVar("Found")
WITHIN = 60.0  # seconds; an effect of an event takes a fraction of one
GLANCE = 0.02


def until(look: Callable[[], Found | None], what: str, *, within: float = WITHIN, pause: float = GLANCE) -> Found:
    """Look until there is something, and return it. Raises CannotGoOn when there is nothing in time."""
    found = keep_looking(look, within=within, pause=pause)
    if not found:
        raise CannotGoOn(f"waited {within:.0f} s in vain for {what}")
    return found
