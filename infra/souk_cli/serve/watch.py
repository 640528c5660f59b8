"""Ends a worker whose parent was killed, so that none is left behind."""

from __future__ import annotations

import os
import threading

GLANCE = 1.0  # seconds


def end_with_parent() -> None:
    """Watch the parent from a thread of its own; without it this process ends at once."""
    threading.Thread(target=_watch, args=(os.getppid(),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(GLANCE)
    os._exit(1)
