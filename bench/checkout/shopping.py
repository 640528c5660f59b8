"""Carries out a plan: many threads, each with one shopper at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.checkout.plan import Visit
from bench.checkout.shopper import Shop, Shopper


class Progress:
    """How far the shoppers are; seen while they shop."""

    def __init__(self) -> None:
        """Begin at nothing."""
        self._guard = threading.Lock()
        self.visits = self.operations = 0

    def done(self, visit: Visit) -> None:
        """Count a visit."""
        with self._guard:
            self.visits += 1
            self.operations += visit.operations


def shop_all(shop: Shop, visits: Sequence[Visit], *, threads: int, progress: Progress, shoppers: list[Shopper]) -> None:
    """Let all visits happen, so many at a time, and add their shoppers. Raises what went wrong with the client itself."""
    waiting: queue.SimpleQueue[Visit] = queue.SimpleQueue()
    for visit in visits:
        waiting.put(visit)

    def work() -> None:
        while not shop.gate.ended:
            try:
                visit = waiting.get_nowait()
            except queue.Empty:
                return
            shopper = Shopper(shop, visit)
            shoppers.append(shopper)
            shopper.go()
            progress.done(visit)

    with ThreadPoolExecutor(threads) as pool:
        for one in [pool.submit(work) for _ in range(threads)]:
            one.result()
