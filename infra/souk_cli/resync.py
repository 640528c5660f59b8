"""Makes services tell again how things are now: for a replica that was lost, or a consumer added later."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib import import_module
from importlib.util import find_spec

from souk_cli import apps, connections


def resync(
    services: Sequence[str] = (), *, since: datetime | None = None, stage: str | None = None
) -> Mapping[str, int | None]:
    """Let services emit the state of what changed since then (or all of it).

    Returns how many events of each service; None for one that has nothing to tell.
    """
    connections.adopt(stage, only=connections.of_functions)
    return {one: _tell(one, since) for one in services or apps.SERVICES}


def _tell(service: str, since: datetime | None) -> int | None:
    home = str(apps.folder(service))
    if home not in sys.path:
        sys.path.append(home)  # for its part of the namespace package chalicelib
    name = f"chalicelib.{service}.resync"
    if find_spec(name) is None:
        return None
    return int(import_module(name).resync(since))
