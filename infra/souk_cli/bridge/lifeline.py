"""Ends a program in order: on SIGTERM or SIGINT, and when the process that holds its standard input is gone."""

from __future__ import annotations

import os
import signal
import sys
import threading


def until_told(*, beside: bool) -> threading.Event:
    """Return what is set when this program has to end; `beside` another one, whose end is seen on standard input."""
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    if beside:
        threading.Thread(target=_read, args=(told,), name="lifeline", daemon=True).start()
    return told


def _read(told: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1024):
        continue
    told.set()
