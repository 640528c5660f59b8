"""Takes messages from the consumers' queues, and tells RabbitMQ which of them are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from souk.errors import Unavailable
from souk_cli.bridge.deliveries import Delivery, Inbox
from souk_cli.bridge.link import Link
from souk_cli.bridge.topology import Line

# Messages that wait for their next try are held unacknowledged and count against this.
PREFETCH = 250
# A day, in milliseconds, for them to be answered for; RabbitMQ before 3.12 goes by its own configuration.
PATIENCE = {"x-consumer-timeout": 86_400_000}


class Subscription(Link):
    """One connection with a channel per consumer."""

    def __init__(self, url: str, prepare: Callable[[], None], inboxes: Mapping[Line, Inbox]) -> None:
        """Fill each consumer's inbox."""
        super().__init__("subscription", url, prepare)
        self._inboxes = inboxes
        self._channels: list[tuple[Any, str]] = []

    def opened(self, connection: Any) -> None:
        """Open a channel per consumer."""
        for line, inbox in self._inboxes.items():
            connection.channel(on_open_callback=partial(self._consume, line, inbox))
        self.ready()

    def lost(self) -> None:
        """Forget the channels; what came over them comes again."""
        self._channels = []

    def cancel(self) -> None:
        """Take nothing new; what is held can still be acknowledged."""
        try:
            self.call(self._cancel)
        except Unavailable:
            return

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge. When the connection is gone they come again, to be recognised by whoever takes them."""
        try:
            self.call(partial(_acknowledge, list(deliveries)))
        except Unavailable:
            return

    def _consume(self, line: Line, inbox: Inbox, channel: Any) -> None:
        channel.add_on_close_callback(self.hang_up)
        channel.add_on_cancel_callback(self.hang_up)
        channel.basic_qos(prefetch_count=PREFETCH)
        tag = channel.basic_consume(line.queue, partial(_deliver, inbox), arguments=PATIENCE)
        self._channels.append((channel, tag))

    def _cancel(self) -> None:
        for channel, tag in self._channels:
            if channel.is_open:
                channel.basic_cancel(tag)


def _deliver(inbox: Inbox, channel: Any, method: Any, properties: Any, body: bytes) -> None:
    headers = properties.headers or {}
    delivery = Delivery(
        message_id=properties.message_id or "",
        body=body,
        channel=channel,
        tag=method.delivery_tag,
        delivered=int(headers.get("x-delivery-count", 0)),
    )
    inbox.put(delivery)


def _acknowledge(deliveries: Sequence[Delivery]) -> None:
    for delivery in deliveries:
        if delivery.channel.is_open:
            delivery.channel.basic_ack(delivery.tag)
