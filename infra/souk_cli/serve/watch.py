"""Ends a worker whose parent was killed, so that none is left behind."""

from __future__ import annotations

import os
import threading

PARENT = "SOUK_SERVE_PID"
GLANCE = 1.0  # seconds


def be_watched() -> None:
    """Let the workers that this process starts know it."""
    os.environ[PARENT] = str(os.getpid())


def end_with_parent() -> None:
    """Watch the parent from a thread of its own; without it this process ends at once."""
    if parent := os.environ.get(PARENT):
        threading.Thread(target=_watch, args=(int(parent),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    never = threading.Event()
    while os.getppid() == parent:
        never.wait(GLANCE)
    os._exit(1)
