"""Takes messages from the consumers' queues, and tells RabbitMQ which of them are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import takewhile
from typing import Any

from souk.errors import Unavailable
from souk_cli.bridge.deliveries import Delivery, Inbox
from souk_cli.bridge.link import Link
from souk_cli.bridge.topology import Line

# Messages that wait for their next try are held unacknowledged and count against this.
PREFETCH = 500
# A day, in milliseconds, for them to be answered for; RabbitMQ before 3.12 goes by its own configuration.
PATIENCE = {"x-consumer-timeout": 86_400_000}


class Subscription(Link):
    """One connection with a channel per consumer."""

    def __init__(
        self, url: str, prepare: Callable[[], None], inboxes: Mapping[Line, Inbox], *, priority: int = 0
    ) -> None:
        """Fill each consumer's inbox; other bridges get what those of a higher priority cannot take."""
        super().__init__("subscription", url, prepare)
        self._arguments = PATIENCE | {"x-priority": priority}
        self._inboxes = inboxes
        self._channels: list[tuple[Any, str]] = []
        self._unanswered: dict[Any, dict[int, None]] = {}  # by channel, in the order they came

    def opened(self, connection: Any) -> None:
        """Open a channel per consumer."""
        for line, inbox in self._inboxes.items():
            connection.channel(on_open_callback=partial(self._consume, line, inbox))
        self.ready()

    def lost(self) -> None:
        """Forget the channels; what came over them comes again."""
        self._channels, self._unanswered = [], {}

    def cancel(self) -> None:
        """Take nothing new; what is held can still be acknowledged."""
        try:
            self.call(self._cancel)
        except Unavailable:
            return

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge. When the connection is gone they come again, to be recognised by whoever takes them."""
        try:
            self.call(partial(self._acknowledge, list(deliveries)))
        except Unavailable:
            return

    def _consume(self, line: Line, inbox: Inbox, channel: Any) -> None:
        channel.add_on_close_callback(self.hang_up)
        channel.add_on_cancel_callback(self.hang_up)
        channel.basic_qos(prefetch_count=PREFETCH)
        self._unanswered[channel] = {}
        tag = channel.basic_consume(line.queue, partial(self._deliver, inbox), arguments=self._arguments)
        self._channels.append((channel, tag))

    def _cancel(self) -> None:
        for channel, tag in self._channels:
            if channel.is_open:
                channel.basic_cancel(tag)

    def _deliver(self, inbox: Inbox, channel: Any, method: Any, properties: Any, body: bytes) -> None:
        delivered = (properties.headers or {}).get("x-delivery-count", 0)
        delivery = Delivery(
            message_id=properties.message_id or "",
            body=body,
            channel=channel,
            tag=method.delivery_tag,
            delivered=delivered if isinstance(delivered, int) else 0,  # whoever published it may have said anything
        )
        self._unanswered[channel][delivery.tag] = None
        inbox.put(delivery)

    def _acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge the oldest that wait for an answer all at once, and each that came after one that still waits."""
        done: dict[Any, set[int]] = {}
        for delivery in deliveries:
            if delivery.channel.is_open:
                done.setdefault(delivery.channel, set()).add(delivery.tag)
        for channel, tags in done.items():
            unanswered = self._unanswered[channel]
            oldest = list(takewhile(tags.__contains__, unanswered))
            if oldest:
                channel.basic_ack(oldest[-1], multiple=True)
            for tag in sorted(tags.difference(oldest)):
                channel.basic_ack(tag)
            for tag in tags:
                unanswered.pop(tag, None)
