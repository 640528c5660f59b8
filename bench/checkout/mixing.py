"""Messages that come late, twice and in another order: taken from the consumers' queues and brought back by hand.

A message is confirmed in its queue before the one that was held is acknowledged, so that none is lost; a copy of each is
kept, to be delivered all over again when everybody has forgotten it.
"""

from __future__ import annotations

import os
import time
from contextlib import closing
from random import Random
from typing import Any

from msgspec import Struct

from bench.checkout import waiting

LASTS = 8.0  # seconds
HELD = (0.05, 5.0)  # seconds that a message is held back, at least and at most
TWICE = 0.4  # of all messages
MOST_KEPT = 20_000
GLANCE = 0.02
OWN = ("souk.unrouted",)


class Held(Struct, frozen=True, kw_only=True):
    """A message that was taken from a queue."""

    queue: str
    tag: int
    body: bytes
    properties: Any
    due: float


class Copy(Struct, frozen=True, kw_only=True):
    """A message to be delivered again."""

    queue: str
    body: bytes
    properties: Any


copies: list[Copy] = []


def mix(dice: Random) -> None:
    """Hold, reorder and double for a while what comes to all consumers."""
    with closing(_connected()) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        queues, end = _queues(), time.monotonic() + LASTS
        held: list[Held] = []
        while time.monotonic() < end or held:
            if time.monotonic() < end:
                held += [one for queue in queues if (one := _taken(channel, queue, dice))]
            held = _brought(channel, held, dice)
            connection.process_data_events(GLANCE)


def again(dice: Random) -> int:
    """Deliver every message that was ever held once more, in any order; return how many."""
    held = dice.sample(copies, len(copies))
    with closing(_connected()) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for copy in held:
            _publish(channel, copy.queue, copy.body, copy.properties)
    return len(held)


def _taken(channel: Any, queue: str, dice: Random) -> Held | None:
    method, properties, body = channel.basic_get(queue)
    if method is None:
        return None
    if len(copies) < MOST_KEPT:
        copies.append(Copy(queue=queue, body=body, properties=properties))
    due = time.monotonic() + dice.uniform(*HELD)
    return Held(queue=queue, tag=method.delivery_tag, body=body, properties=properties, due=due)


def _brought(channel: Any, held: list[Held], dice: Random) -> list[Held]:
    """Bring back what is due; return what is still held."""
    now = time.monotonic()
    due = [one for one in held if one.due <= now]
    dice.shuffle(due)
    for one in due:
        for _ in range(2 if dice.random() < TWICE else 1):
            _publish(channel, one.queue, one.body, one.properties)
        channel.basic_ack(one.tag)
    return [one for one in held if one.due > now]


def _publish(channel: Any, queue: str, body: bytes, properties: Any) -> None:
    headers = {name: value for name, value in (properties.headers or {}).items() if not name.startswith("x-")}
    properties.headers = headers or None
    channel.basic_publish("", queue, body, properties, mandatory=True)


def _queues() -> list[str]:
    return [name for name in waiting.queues() if name not in OWN and not name.endswith(".dead")]


def _connected() -> Any:
    import pika

    return pika.BlockingConnection(pika.URLParameters(os.environ["BRIDGE_RABBIT_URL"]))
