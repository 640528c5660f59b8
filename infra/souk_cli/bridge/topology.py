"""What stands in RabbitMQ: one exchange for all events, a queue per consumer, and where dead and unwanted ones go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any

from msgspec import Struct

from souk import telemetry

LOG = telemetry.logger("bridge")
EVENTS = "souk.events"
DEAD = "souk.dead"
UNROUTED = "souk.unrouted"
DAY = 86_400_000  # milliseconds
# A kill of the bridge counts as a delivery of all that it held, and so does half an hour without an answer, after which
# RabbitMQ closes a channel. Poison is counted by the functions' answers instead.
DELIVERIES = 200
LOOKS = 1_000_000  # looking at a dead message counts as a delivery
DEAD_KEPT = 14 * DAY
UNROUTED_KEPT = 7 * DAY
CONNECT = 5.0  # seconds
INEQUIVALENT = 406  # what RabbitMQ answers who declares a queue other than it is
BLOCKED = 60.0  # seconds that RabbitMQ may take nothing, for want of memory or disk, until we connect again


class Line(Struct, frozen=True, kw_only=True):
    """A consumer, the types of event that it asks for, and whether it takes all of a batch together."""

    consumer: str
    types: tuple[str, ...]
    together: bool = False

    @property
    def service(self) -> str:
        """The service whose consumer it is."""
        return self.consumer.partition("-")[0]

    @property
    def queue(self) -> str:
        """The name of its queue."""
        return f"souk.{self.consumer}"

    @property
    def dead_queue(self) -> str:
        """The name of the queue of those that could not be taken."""
        return f"{self.queue}.dead"


def lines() -> tuple[Line, ...]:
    """Return the consumers that the apps declare."""
    from souk_cli import apps

    found = [consumer for consumers in apps.consumers().values() for consumer in consumers]
    return tuple(Line(consumer=one.name, types=tuple(sorted(one.facts)), together=one.together) for one in found)


def declare(connection: Any, wanted: Iterable[Line]) -> None:
    """Make all of it; what is there already stays.

    Before anything is published: RabbitMQ confirms a message that nothing routes, and drops it.
    """
    _queue(connection, UNROUTED, {"x-message-ttl": UNROUTED_KEPT})
    channel = connection.channel()
    channel.exchange_declare(UNROUTED, "fanout", durable=True)
    channel.queue_bind(UNROUTED, UNROUTED)
    channel.exchange_declare(DEAD, "direct", durable=True)
    channel.exchange_declare(EVENTS, "topic", durable=True, arguments={"alternate-exchange": UNROUTED})
    for line in wanted:
        _queue(connection, line.dead_queue, {"x-message-ttl": DEAD_KEPT, "x-delivery-limit": LOOKS})
        channel.queue_bind(line.dead_queue, DEAD, line.consumer)
        _queue(connection, line.queue, _arguments(line))
        for kind in line.types:
            channel.queue_bind(line.queue, EVENTS, kind)


def _queue(connection: Any, name: str, arguments: Mapping[str, Any]) -> None:
    """Make a queue; one that an earlier version made otherwise stays as it is, as it may hold messages."""
    from pika.exceptions import ChannelClosedByBroker

    channel = connection.channel()
    try:
        channel.queue_declare(name, durable=True, arguments={"x-queue-type": "quorum", **arguments})
    except ChannelClosedByBroker as error:
        if error.reply_code != INEQUIVALENT:
            raise
        LOG.warning("a queue was made otherwise", extra={"queue": name, "why": error.reply_text})
    else:
        channel.close()


def _arguments(line: Line) -> dict[str, Any]:
    return {
        "x-overflow": "reject-publish",  # at-least-once dead lettering asks for it
        "x-dead-letter-strategy": "at-least-once",
        "x-dead-letter-exchange": DEAD,
        "x-dead-letter-routing-key": line.consumer,
        "x-delivery-limit": DELIVERIES,
    }


def parameters(url: str) -> Any:
    """Return how to connect."""
    import pika

    found = pika.URLParameters(url)
    found.socket_timeout = found.stack_timeout = CONNECT
    found.blocked_connection_timeout = BLOCKED
    found.heartbeat = 20
    found.connection_attempts = 1
    return found


def connected(url: str) -> Any:
    """Return a blocking connection; for short work, as nothing answers its heartbeats in between."""
    import pika

    return closing(pika.BlockingConnection(parameters(url)))


def prepare(url: str, wanted: Iterable[Line]) -> None:
    """Make all of it, over a connection of its own."""
    with connected(url) as connection:
        declare(connection, wanted)


def depths(url: str, wanted: Iterable[Line]) -> dict[str, tuple[int, int]]:
    """Return how many messages wait for each consumer, and how many of its are dead."""
    with connected(url) as connection:
        channel = connection.channel()
        return {line.consumer: (_depth(channel, line.queue), _depth(channel, line.dead_queue)) for line in wanted}


def _depth(channel: Any, queue: str) -> int:
    return int(channel.queue_declare(queue, passive=True).method.message_count)
