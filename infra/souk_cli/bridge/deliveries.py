"""What a consumer is given: messages in the order they came, and those that are tried again when their time has come."""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

BATCH = 10
MANY = 250  # that are taken together
RATIO = 9.0  # of the time that the next batch gathers to the time that the last one took


class Delivery:
    """One message that RabbitMQ waits to hear about."""

    __slots__ = ("body", "channel", "delivered", "later", "message_id", "refusals", "tag")

    def __init__(self, *, message_id: str, body: bytes, channel: Any, tag: int, delivered: int) -> None:
        """Keep what is needed to answer for it; `delivered` counts earlier deliveries, of bridges that died too."""
        self.message_id, self.body = message_id, body
        self.channel, self.tag, self.delivered = channel, tag, delivered
        self.refusals = 0
        self.later = 0

    @property
    def record_id(self) -> str:
        """A name that no other delivery has: the same event may come twice in one batch."""
        return f"{self.message_id}.{self.tag}"

    @property
    def stale(self) -> bool:
        """Whether its connection is gone: RabbitMQ gives it to somebody again."""
        return not self.channel.is_open


class Inbox:
    """The messages a consumer has been given and not yet answered for; safe among threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, gather: float = 0.0) -> None:
        """Start empty.

        New ones are gathered, for so many seconds at most or until a batch is full, while the one who takes them has
        much to do: for `RATIO` times as long as the last batch took.
        """
        self._clock, self._gather = clock, gather
        self._taken_at: float | None = None
        self._gathered_at = clock()
        self._changed = threading.Condition()
        self._fresh: deque[Delivery] = deque()
        self._later: list[tuple[float, int, Delivery]] = []
        self._numbers = itertools.count()
        self._turn = False
        self._in_hand = 0
        self._closed = False

    def put(self, delivery: Delivery) -> None:
        """Add a new one."""
        with self._changed:
            self._fresh.append(delivery)
            self._changed.notify()

    def again(self, delivery: Delivery, *, after: float) -> None:
        """Add one that was tried, to be tried again after so many seconds."""
        with self._changed:
            self._in_hand -= 1
            heapq.heappush(self._later, (self._clock() + after, next(self._numbers), delivery))
            self._changed.notify()

    def take(self, *, wait: float, limit: int = BATCH) -> list[Delivery]:
        """Return some to be tried now, waiting for them a while: new ones and old ones in turn, never mixed.

        What waits for its next try does not hold up the new ones.
        """
        until = self._clock() + wait
        with self._changed:
            if self._taken_at is not None:
                took = self._clock() - self._taken_at
                self._gathered_at, self._taken_at = self._clock() + min(self._gather, RATIO * took), None
            while True:
                batch = self._some(limit)
                self._in_hand += len(batch)
                left = until - self._clock()
                if batch or left <= 0 or self._closed:
                    return batch
                self._changed.wait(min(left, self._until_due(), self._until_gathered(limit) or left))

    def settled(self, number: int) -> None:
        """Count off so many of those taken: they are done."""
        with self._changed:
            self._in_hand -= number

    def close(self) -> None:
        """Let nobody wait for anything any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def fresh(self) -> int:
        """How many have not been tried yet."""
        return len(self._fresh)

    @property
    def unacked(self) -> int:
        """How many RabbitMQ waits to hear about."""
        return len(self._fresh) + len(self._later) + self._in_hand

    @property
    def waiting(self) -> int:
        """How many wait for their next try."""
        return len(self._later)

    def _some(self, limit: int) -> list[Delivery]:
        self._turn = not self._turn
        first, second = (self._new, self._due) if self._turn else (self._due, self._new)
        return first(limit) or second(limit)

    def _new(self, limit: int) -> list[Delivery]:
        batch: list[Delivery] = []
        if self._until_gathered(limit) > 0:
            return batch
        while self._fresh and len(batch) < limit:
            delivery = self._fresh.popleft()
            if not delivery.stale:
                batch.append(delivery)
        if batch:
            self._taken_at = self._clock()
        return batch

    def _due(self, limit: int) -> list[Delivery]:
        batch: list[Delivery] = []
        now = self._clock()
        while self._later and self._later[0][0] <= now and len(batch) < limit:
            delivery = heapq.heappop(self._later)[2]
            if not delivery.stale:
                batch.append(delivery)
        return batch

    def _until_gathered(self, limit: int) -> float:
        """Return the seconds until new ones may be taken: none where they are many, or come now and then."""
        if not self._fresh or len(self._fresh) >= limit or self._closed:
            return 0.0
        return max(0.0, self._gathered_at - self._clock())

    def _until_due(self) -> float:
        return max(0.001, self._later[0][0] - self._clock()) if self._later else float("inf")
