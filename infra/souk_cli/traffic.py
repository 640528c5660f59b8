"""The events of a while: how many still travel, which passed, and where they went."""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from msgspec import Struct

from souk.queues import queue_name
from souk_cli.bridge import topology
from souk_local import layout
from souk_local.errors import StackError

GLANCE = 0.5  # seconds between looks at what still travels
CALM = 3  # looks in a row without anything on its way


class Given(Struct, frozen=True, kw_only=True):
    """What one consumer was given."""

    consumer: str
    types: tuple[str, ...]
    events: int


def status() -> dict[str, Any]:
    """Return what the bridge says of itself. Raises StackError when it does not answer."""
    port = layout.find().port("bridge")
    try:
        answer: dict[str, Any] = httpx.get(f"http://127.0.0.1:{port}/status", timeout=10).json()
    except httpx.HTTPError as error:
        raise StackError("the bridge does not answer; `souk up` starts it, `souk logs bridge` tells more") from error
    return answer


def given(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Given]:
    """Return what each consumer was given between two states of the bridge; whoever got nothing is left out."""
    found = []
    for line in topology.lines():
        now = after["consumers"][line.consumer]["forwarded"]
        then = before["consumers"][line.consumer]["forwarded"] if before["pid"] == after["pid"] else 0
        if now > then:
            found.append(Given(consumer=line.consumer, types=line.types, events=now - then))
    return found


def carried() -> bool:
    """Tell whether a bridge carries events at all."""
    try:
        status()
    except StackError:
        return False
    return True


def travelling() -> int:
    """Return how many events are on their way: in an outbox, in RabbitMQ, in the bridge, or in a queue of a function."""
    state = status()
    unsent = sum(source["unsent"] for source in state["sources"].values())
    held = sum((one["queue"] or 0) + one["unacked"] for one in state["consumers"].values())
    queued = sum(map(_in_queue, state["consumers"])) if state["target"] == "sqs" else 0
    return int(unsent + held + queued)


def settle(say: Callable[[int], None], *, patience: float) -> bool:
    """Wait until nothing travels any more, telling how much still does; False when nothing moves for too long."""
    least, calm = sys.maxsize, 0
    end = time.monotonic() + patience
    while calm < CALM:
        left = travelling()
        say(left)
        calm = 0 if left else calm + 1
        if left < least:
            least, end = left, time.monotonic() + patience
        if time.monotonic() > end:
            return False
        time.sleep(GLANCE)
    return True


def _in_queue(consumer: str) -> int:
    from botocore.exceptions import ClientError

    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    try:
        url = _sqs().get_queue_url(QueueName=queue_name(consumer))["QueueUrl"]
        counts = _sqs().get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    except ClientError:
        return 0  # not deployed
    return sum(int(count) for count in counts.values())


@functools.cache
def _sqs() -> Any:
    import boto3

    return boto3.client("sqs")
