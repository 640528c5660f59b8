"""Where a consumer's messages go: its SQS queue, or the function itself."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from souk import telemetry
from souk.errors import Unavailable
from souk.queues import queue_name
from souk_cli.bridge.deliveries import Delivery

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = telemetry.logger("bridge")
LIMIT = 240_000  # bytes in one call; SQS takes 262,144 with all that is around them
# What SQS says of messages that it will never take: too large, empty, or with characters that XML does not have.
AT_FAULT = frozenset(
    {
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "BatchRequestTooLong",
        "InvalidMessageContents",
        "InvalidParameterValue",
        "MissingParameter",
    }
)
SECONDS = 60.0  # how long a function may take


class Verdict(Enum):
    """What became of a message."""

    DONE = "done"
    LATER = "later"
    REFUSED = "refused"


class Target(Protocol):
    """Takes a consumer's messages."""

    def give(self, consumer: str, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Give a batch and return what became of each. Raises Unavailable when the target as a whole is away."""
        ...


class Queues:
    """SQS: a message is done when its queue has it."""

    def __init__(self) -> None:
        """Nothing is connected before the first use."""
        self._guard = threading.Lock()
        self._client: Any = None
        self._addresses: dict[str, str] = {}

    def give(self, consumer: str, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Send them in as few calls as their size allows."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            where = self._address(consumer)
            return [verdict for part in _by_size(batch) for verdict in self._send(where, part)]
        except (BotoCoreError, ClientError) as error:
            self._addresses.pop(consumer, None)  # LocalStack forgets its queues; another one may have another address
            raise Unavailable(f"SQS does not take anything for {consumer}: {error}") from error

    def _send(self, where: str, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Send a batch; when SQS finds fault with all of it, each by itself, to find the one that is at fault."""
        from botocore.exceptions import ClientError

        try:
            return self._sent(where, batch)
        except ClientError as error:
            if error.response["Error"]["Code"] not in AT_FAULT:
                raise
            if len(batch) > 1:
                return [verdict for one in batch for verdict in self._send(where, [one])]
            LOG.warning("SQS refused a message", extra={"message_id": batch[0].message_id, "why": str(error)})
            return [Verdict.REFUSED]

    def _sent(self, where: str, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        entries = [{"Id": str(number), "MessageBody": one.body.decode()} for number, one in enumerate(batch)]
        answer = self._sqs().send_message_batch(QueueUrl=where, Entries=entries)
        verdicts = {entry["Id"]: Verdict.DONE for entry in answer.get("Successful", ())}
        for entry in answer.get("Failed", ()):
            verdicts[entry["Id"]] = Verdict.REFUSED if entry.get("SenderFault") else Verdict.LATER
            LOG.warning("SQS refused a message", extra={"code": entry.get("Code"), "why": entry.get("Message")})
        return [verdicts.get(entry["Id"], Verdict.LATER) for entry in entries]

    def _address(self, consumer: str) -> str:
        if consumer not in self._addresses:
            self._addresses[consumer] = self._sqs().get_queue_url(QueueName=queue_name(consumer))["QueueUrl"]
        return self._addresses[consumer]

    def _sqs(self) -> Any:
        with self._guard:
            if self._client is None:
                import boto3
                from botocore.config import Config

                config = Config(
                    connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 1}, max_pool_connections=32
                )
                self._client = boto3.client("sqs", config=config)
        return self._client


def _by_size(batch: Sequence[Delivery]) -> list[list[Delivery]]:
    parts: list[list[Delivery]] = [[]]
    size = 0
    for delivery in batch:
        if parts[-1] and size + len(delivery.body) > LIMIT:
            parts.append([])
            size = 0
        parts[-1].append(delivery)
        size += len(delivery.body)
    return parts


class Functions:
    """The functions themselves, in this process: a message is done when its function has answered so."""

    def __init__(self, handlers: Mapping[str, Callable[[dict[str, Any], Any], Any]]) -> None:
        """Call these, by the names of their consumers."""
        self._handlers = handlers

    def give(self, consumer: str, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        """Call the function with the event that Lambda would give it; what it doesn't name as failed is done."""
        from souk_cli.serve.proxy import Context

        event = {"Records": [record(consumer, one) for one in batch]}
        answer = self._handlers[consumer](event, Context(consumer, batch[0].record_id, seconds=SECONDS))
        failed = {one["itemIdentifier"] for one in answer["batchItemFailures"]}
        refused = set(answer.get("refused", ()))
        return [verdict(one.record_id, failed, refused) for one in batch]


def verdict(record_id: str, failed: set[str], refused: set[str]) -> Verdict:
    """Return what a function's answer says of one record."""
    if record_id in refused:
        return Verdict.REFUSED
    return Verdict.LATER if record_id in failed else Verdict.DONE


def record(consumer: str, delivery: Delivery) -> dict[str, Any]:
    """Return a message as a record of an SQS event."""
    return {
        "messageId": delivery.record_id,
        "receiptHandle": delivery.record_id,
        "body": delivery.body.decode(),
        "attributes": {"ApproximateReceiveCount": str(1 + delivery.delivered + delivery.refusals + delivery.later)},
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(delivery.body, usedforsecurity=False).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:souk:bridge:::{consumer}",
        "awsRegion": "serve",
    }
