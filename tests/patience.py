"""Waiting in tests: for a condition, never for a while."""

from collections.abc import Callable

from souk_local.patience import keep_looking

GLANCE = 0.05  # seconds between two looks


def until(met: Callable[[], object], *, within: float = 60.0, pause: float = GLANCE) -> None:
    """Look until something is the case; that it never is fails the test."""
    assert keep_looking(met, within=within, pause=pause), f"not within {within:.0f} s"
