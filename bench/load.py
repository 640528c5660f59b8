"""Asking as fast as answers come, for a bounded time, by some clients at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import msgspec

from bench import table
from bench.crew import Crew
from bench.table import Row
from bench.wire import Client

READY = 30.0  # seconds for every client to get ready
Act = Callable[[int], float | None]
"""Does the same once more, given how often it was done, and returns the seconds that count, or None if it does not."""


class Load(msgspec.Struct, frozen=True, kw_only=True):
    """So many clients at once, for so many seconds."""

    base: str
    clients: int
    seconds: float

    def measure(self, what: str, ready: Callable[[Client], Act]) -> Row:
        """Let each client get ready, then act until the time is up; all of them begin together."""
        start = threading.Barrier(self.clients)

        def work(client: Client, _: int) -> list[float]:
            act = ready(client)
            start.wait(READY)
            return list(_again(act, time.perf_counter() + self.seconds))

        with Crew(self.base, self.clients) as crew:
            took = [one for each in crew.each(range(self.clients), work) for one in each]
            own = crew.own_seconds()
        return Row(
            what=what,
            done=len(took),
            outcome=f"{self.clients} clients",
            seconds=self.seconds,
            figures={
                "per second": round(len(took) / self.seconds, 1),
                **table.latencies(took),
                "client ms each": round(1000 * own / max(1, len(took)), 2),
            },
        )


def _again(act: Act, until: float) -> Iterator[float]:
    turn = 0
    while time.perf_counter() < until:
        seconds = act(turn)
        if seconds is not None:
            yield seconds
        turn += 1
