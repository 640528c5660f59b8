"""Clients that ask at the same time: threads with a connection each, and what they cost themselves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Self, TypeVar

from bench.wire import Client

Thing = TypeVar("Thing")
Found = TypeVar("Found")


class Crew:
    """So many threads, each with a connection of its own."""

    def __init__(self, base: str, at_once: int) -> None:
        """Ask the shop at `base`, `at_once` at the same time."""
        self._base = base
        self._threads = ThreadPoolExecutor(at_once)
        self._own = threading.local()
        self._clients: list[Client] = []
        self._began = time.process_time()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave what was not begun, and hang up."""
        self._threads.shutdown(cancel_futures=True)
        for client in self._clients:
            client.close()

    def each(self, things: Iterable[Thing], act: Callable[[Client, Thing], Found]) -> list[Found]:
        """Act on each thing, over a connection that nobody else uses at that time; in the order of the things."""
        return list(self._threads.map(lambda thing: act(self._client(), thing), things))

    def own_seconds(self) -> float:
        """Return how much of a processor this process used since it began: what measuring costs the measured."""
        return time.process_time() - self._began

    def _client(self) -> Client:
        client: Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = Client(self._base)
            self._clients.append(client)
        return client
