"""Makes services tell again how things are now: for a replica that was lost, or a consumer added later."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec

from souk.errors import Unavailable
from souk_cli import apps, connections
from souk_local.services import SERVICES

TRIES = 6  # stores are busy when many events are sent again
PAUSE = 2.0  # seconds before the next try


def resync(
    services: Sequence[str] = (), *, since: datetime | None = None, stage: str | None = None
) -> Mapping[str, int | None]:
    """Let services emit the state of what changed since then (or all of it).

    Returns how many events of each service; None for one that has nothing to tell.
    """
    connections.adopt(stage, only=connections.of_functions)
    return {one: _tell(one, since) for one in services or SERVICES}


def _tell(service: str, since: datetime | None) -> int | None:
    apps.reach(service)
    name = f"chalicelib.{service}.resync"
    if find_spec(name) is None:
        return None
    return _patiently(lambda: int(import_module(name).resync(since)))


def _patiently(tell: Callable[[], int]) -> int:
    """Tell; what was told before a store gave up is told again. Raises Unavailable when it gives up each time."""
    for _ in range(TRIES - 1):
        try:
            return tell()
        except Unavailable:
            time.sleep(PAUSE)
    return tell()
