"""Waits until everything that was begun has come to its end: outboxes and queues empty, every submission decided."""

from __future__ import annotations

import time
from collections.abc import Callable

from bench.checkout import queues, waiting
from souk_local.patience import keep_looking

GLANCE = 0.25
DEAD = ".dead"
NOWHERE = frozenset({"souk.unrouted"})  # what no consumer asks for stays there
STATISTICS = 6.0  # seconds between two looks of RabbitMQ at its queues, and one to spare
WITHIN = 420.0  # seconds: an overdue verdict is asked for after five minutes, by a schedule that runs every minute


def settled(base: str, *, aside: frozenset[str], within: float = WITHIN, tell: Callable[[str], None]) -> float | None:
    """Wait until nothing is left to do, twice in a row; return after how many seconds, None when it never is.

    The shop is the one at `base`: on LocalStack there are queues behind those of RabbitMQ.
    """
    began, calm = time.monotonic(), list[float]()

    def nothing_waits() -> bool:
        if left := _waiting(base, aside):
            calm.clear()
            tell(", ".join(f"{name}: {many}" for name, many in left.items()))
        else:
            calm.append(time.monotonic() - began)
        return len(calm) == 2

    return calm[0] if keep_looking(nothing_waits, within=within, pause=GLANCE) else None


def carried(*, aside: frozenset[str], within: float = WITHIN) -> bool:
    """Wait until no consumer holds a message that it has not answered for."""
    time.sleep(STATISTICS)  # what RabbitMQ tells of itself is so old
    return keep_looking(lambda: not _moving(waiting.held(), aside), within=within, pause=GLANCE)


def _waiting(base: str, aside: frozenset[str]) -> dict[str, int]:
    places = (waiting.left, queues.taken, lambda: queues.waiting(base))  # in the order of an event's way
    try:
        return next((found for look in places if (found := _moving(look(), aside))), {})
    except Exception as error:  # noqa: BLE001 - a store that does not answer yet, each by its driver's own errors
        return {f"a store does not answer ({type(error).__name__})": 1}


def _moving(left: dict[str, int], aside: frozenset[str]) -> dict[str, int]:
    return {name: many for name, many in left.items() if many and not _is_left(name, aside)}


def _is_left(name: str, aside: frozenset[str]) -> bool:
    """Tell whether what waits there goes nowhere: it can't be carried, or was given up; the checker tells of that."""
    return name in aside or name.endswith(DEAD)


def given_up(base: str) -> dict[str, int]:
    """Return what was given up as undeliverable so far, by queue."""
    return {name: many for name, many in (waiting.left() | queues.waiting(base)).items() if name.endswith(DEAD)}
