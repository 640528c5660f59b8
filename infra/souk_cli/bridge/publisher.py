"""Publishes batches of messages and waits until RabbitMQ has confirmed every one of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pika
from msgspec import Struct

from souk.errors import Unavailable
from souk_cli.bridge.link import LOG, Link

WITHIN = 8.0  # seconds for the confirms of a batch; less than a session may stand idle in its transaction
PERSISTENT = 2


class Message(Struct, frozen=True, kw_only=True):
    """What is published, and where to."""

    exchange: str
    key: str
    id: str
    body: bytes


class _Batch:
    """Messages on their way."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self.messages = messages
        self.confirmed: set[str] = set()
        self.left = len(messages)
        self.done = threading.Event()

    def settle(self, message_id: str, *, good: bool) -> None:
        if good:
            self.confirmed.add(message_id)
        self.left -= 1
        if self.left <= 0:
            self.done.set()


class Publisher(Link):
    """One connection that any number of threads publish over."""

    def __init__(self, url: str, prepare: Callable[[], None]) -> None:
        """Say where, and what has to stand there before the first message."""
        super().__init__("publisher", url, prepare)
        self._channel: Any = None
        self._sent = 0
        self._waiting: dict[int, tuple[_Batch, str]] = {}
        self._returned: set[str] = set()

    def publish(self, messages: Sequence[Message], *, within: float = WITHIN) -> frozenset[str]:
        """Publish and return the ids of those that RabbitMQ has safely; the others may or may not have got there.

        Raises Unavailable when there is no connection, or none of the confirms came in time.
        """
        batch = _Batch(messages)
        self.call(partial(self._send, batch))
        batch.done.wait(within)
        confirmed = frozenset(batch.confirmed)
        if messages and not confirmed:
            raise Unavailable("RabbitMQ did not confirm what was published")
        return confirmed

    def opened(self, connection: Any) -> None:
        """Open the one channel, with confirms."""
        connection.channel(on_open_callback=self._channel_opened)

    def lost(self) -> None:
        """Let everybody who waits for a confirm know that none will come."""
        self._channel = None
        waiting, self._waiting = self._waiting, {}
        for batch, _ in waiting.values():
            batch.done.set()

    def _channel_opened(self, channel: Any) -> None:
        self._channel, self._sent = channel, 0
        channel.add_on_close_callback(self.hang_up)
        channel.add_on_return_callback(self._take_back)
        channel.confirm_delivery(self._settle, callback=lambda _: self.ready())

    def _send(self, batch: _Batch) -> None:
        if self._channel is None or not self._channel.is_open:
            batch.done.set()
            return
        for message in batch.messages:
            try:
                self._put(message)
            except Exception as error:  # noqa: BLE001 - whatever of it AMQP has no form for: all others share this thread
                LOG.error("a message cannot be written", extra={"message_id": message.id}, exc_info=error)
                batch.settle(message.id, good=False)
            else:
                self._sent += 1
                self._waiting[self._sent] = (batch, message.id)

    def _put(self, message: Message) -> None:
        """Write a message; one that cannot be written leaves nothing behind, and is not counted."""
        properties = pika.BasicProperties(
            message_id=message.id, delivery_mode=PERSISTENT, content_type="application/json", type=message.key
        )
        self._channel.basic_publish(message.exchange, message.key, message.body, properties, mandatory=True)

    def _take_back(self, _channel: Any, _method: Any, properties: Any, _body: bytes) -> None:
        """Remember what no queue took: its confirm, which follows, means nothing."""
        LOG.error("nothing routes a message", extra={"type": properties.type, "message_id": properties.message_id})
        self._returned.add(properties.message_id)

    def _settle(self, frame: Any) -> None:
        method = frame.method
        good = method.NAME == "Basic.Ack"
        for tag in self._tags(method.delivery_tag, multiple=method.multiple):
            batch, message_id = self._waiting.pop(tag)
            batch.settle(message_id, good=good and message_id not in self._returned)
            self._returned.discard(message_id)

    def _tags(self, tag: int, *, multiple: bool) -> list[int]:
        if not multiple:
            return [tag] if tag in self._waiting else []
        found: list[int] = []
        for one in self._waiting:  # in the order of publishing
            if one > tag:
                break
            found.append(one)
        return found
