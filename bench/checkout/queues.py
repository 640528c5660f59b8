"""What lies behind the queues of RabbitMQ: what the bridge has taken, and what waits for functions in LocalStack's queues."""

from __future__ import annotations

import functools
import json
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from souk_local import layout, settings

PREFIX = "local-souk-"
DEAD = "-dead"
SECONDS = 5.0
COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]


def taken() -> dict[str, int]:
    """Return what the bridge holds of each queue until somebody has answered for it, by the queue's name."""
    where = f"http://{layout.LOOPBACK}:{layout.find().port('bridge')}/status"
    with urllib.request.urlopen(where, timeout=SECONDS) as answer:
        consumers = json.load(answer)["consumers"]
    return {f"souk.{name}": int(one["unacked"]) for name, one in consumers.items()}


def waiting(base: str) -> dict[str, int]:
    """Return what waits in each queue, by name; nothing where the shop at `base` is not the one on LocalStack."""
    if urlsplit(base).port != layout.find().port("gateway"):
        return {}
    addresses = _sqs().list_queues(QueueNamePrefix=PREFIX).get("QueueUrls", [])
    return {named(address.rpartition("/")[2]): _count(address) for address in addresses}


def named(queue: str) -> str:
    """Return what a queue is called beside those of RabbitMQ, dead letters by the same ending."""
    consumer = queue.removeprefix(PREFIX)
    return f"sqs souk.{consumer.removesuffix(DEAD)}{'.dead' if consumer.endswith(DEAD) else ''}"


def _count(address: str) -> int:
    counts = _sqs().get_queue_attributes(QueueUrl=address, AttributeNames=COUNTS)["Attributes"]
    return sum(int(counts[name]) for name in COUNTS)


@functools.cache
def _sqs() -> Any:
    import boto3

    where = settings.endpoint(layout.find())
    return boto3.client(
        "sqs",
        endpoint_url=where,
        region_name=settings.REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 - LocalStack asks for none
    )
