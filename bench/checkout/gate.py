"""The gate before every step of the shoppers: who wants to look at a shop that stands still closes it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets shoppers go on, step by step, until somebody closes it."""

    def __init__(self) -> None:
        """Stand open."""
        self._moved = threading.Condition()
        self._inside = 0
        self._open = True
        self.ended = False

    @contextmanager
    def step(self) -> Iterator[None]:
        """Take a step as soon as the gate is open."""
        with self._moved:
            self._moved.wait_for(lambda: self._open)
            self._inside += 1
        try:
            yield
        finally:
            with self._moved:
                self._inside -= 1
                self._moved.notify_all()

    def close(self, within: float) -> bool:
        """Let no new step begin; tell whether those that had begun came to their end in time."""
        with self._moved:
            self._open = False
            return self._moved.wait_for(lambda: self._inside == 0, within)

    def open(self) -> None:
        """Let everybody go on."""
        with self._moved:
            self._open = True
            self._moved.notify_all()

    def end(self) -> None:
        """Let nobody begin another visit, and everybody finish theirs."""
        self.ended = True
        self.open()
