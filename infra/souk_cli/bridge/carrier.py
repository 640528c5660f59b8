"""Carries messages from RabbitMQ to a target, in this process: a subscription, and some lanes per consumer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from souk.errors import Unavailable
from souk_cli.bridge import topology
from souk_cli.bridge.deliveries import BATCH, MANY, Delivery, Inbox
from souk_cli.bridge.lanes import Lane
from souk_cli.bridge.publisher import Message, Publisher
from souk_cli.bridge.statistics import Statistics
from souk_cli.bridge.subscription import Subscription
from souk_cli.bridge.targets import Target
from souk_cli.bridge.topology import Line

LANES = (
    2  # batches of one consumer at a time; one where a batch is taken together, which others would only make smaller
)


class Carrier:
    """Works until it is stopped."""

    def __init__(
        self, url: str, lines: Sequence[Line], target: Target, *, gather: float = 0.0, priority: int = 0
    ) -> None:
        """Carry what RabbitMQ at `url` has for these consumers, before bridges of a lower priority.

        While much happens, batches that are taken together are gathered, for so many seconds at most.
        """
        self.statistics = Statistics(line.consumer for line in lines)
        prepare = _prepared(url, lines)
        inboxes = self._inboxes = {line: Inbox(gather=gather if line.together else 0.0) for line in lines}
        self._subscription = Subscription(url, prepare, inboxes, priority=priority)
        self._parking = Publisher(url, prepare)
        self._lanes = [
            Lane(
                line.consumer,
                inbox=inbox,
                target=target,
                subscription=self._subscription,
                park=self._park,
                statistics=self.statistics,
                limit=MANY if line.together and gather else BATCH,
            )
            for line, inbox in inboxes.items()
            for _ in range(1 if line.together else LANES)
        ]

    def start(self) -> None:
        """Begin."""
        self._parking.start()
        for lane in self._lanes:
            lane.start()
        self._subscription.start()

    def stop(self, *, within: float) -> None:
        """Take nothing new, carry what has come, acknowledge it, and hang up."""
        until = time.monotonic() + within
        self._subscription.cancel()
        for lane in self._lanes:
            lane.finish()
        for lane in self._lanes:
            lane.join(max(0.0, until - time.monotonic()))
        self._subscription.stop()
        self._parking.stop()

    def look(self) -> None:
        """Bring the statistics up to date with what is held now."""
        for line, inbox in self._inboxes.items():
            self.statistics.held(line.consumer, unacked=inbox.unacked, waiting=inbox.waiting)

    def _park(self, consumer: str, delivery: Delivery) -> bool:
        message = Message(exchange=topology.DEAD, key=consumer, id=delivery.message_id, body=delivery.body)
        try:
            return message.id in self._parking.publish([message])
        except Unavailable:
            return False


def _prepared(url: str, lines: Sequence[Line]) -> Callable[[], None]:
    return lambda: topology.prepare(url, lines)
