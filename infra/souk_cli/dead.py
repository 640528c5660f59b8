"""Dead letters: messages that no consumer could take, in SQS and in RabbitMQ; looked at, and sent to their queues again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from souk.errors import Unavailable
from souk.queues import DEAD, queue_name
from souk_cli.bridge import topology
from souk_cli.bridge.topology import Line

Result = TypeVar("Result")
PEEK = 30  # seconds that SQS keeps a message that was looked at from others
RECEIVED = 10


class Letters(Protocol):
    """The dead letters of one kind of queue."""

    where: str

    def count(self, consumer: str) -> int:
        """Return how many there are. Raises Unavailable."""
        ...

    def peek(self, consumer: str, limit: int) -> list[str]:
        """Return some of them; they stay. Raises Unavailable."""
        ...

    def redrive(self, consumer: str, limit: int) -> int:
        """Send some to their consumer's queue again, and return how many. Raises Unavailable."""
        ...


class QueueLetters:
    """Those in SQS, parked there by the functions or by SQS itself."""

    where = "sqs"

    def __init__(self) -> None:
        """Nothing is connected before the first use."""
        self._client: Any = None

    def count(self, consumer: str) -> int:
        """Ask SQS; its number is nearly right."""
        with self._sqs() as sqs:
            name = "ApproximateNumberOfMessages"
            found = sqs.get_queue_attributes(QueueUrl=_address(sqs, consumer, DEAD), AttributeNames=[name])
            return int(found["Attributes"][name])

    def peek(self, consumer: str, limit: int) -> list[str]:
        """Receive some, and let them be seen again at once."""
        with self._sqs() as sqs:
            where = _address(sqs, consumer, DEAD)
            found = _received(sqs, where, limit)
            for one in found:
                sqs.change_message_visibility(QueueUrl=where, ReceiptHandle=one["ReceiptHandle"], VisibilityTimeout=0)
            return [one["Body"] for one in found]

    def redrive(self, consumer: str, limit: int) -> int:
        """Send first, remove afterwards: one may come twice, none is lost."""
        with self._sqs() as sqs:
            dead, alive = _address(sqs, consumer, DEAD), _address(sqs, consumer)
            moved = 0
            while moved < limit and (found := _received(sqs, dead, min(RECEIVED, limit - moved))):
                for one in found:
                    sqs.send_message(QueueUrl=alive, MessageBody=one["Body"])
                    sqs.delete_message(QueueUrl=dead, ReceiptHandle=one["ReceiptHandle"])
                moved += len(found)
            return moved

    @contextmanager
    def _sqs(self) -> Iterator[Any]:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            if self._client is None:
                config = Config(connect_timeout=2, read_timeout=10, retries={"total_max_attempts": 2})
                self._client = boto3.client("sqs", config=config)
            yield self._client
        except (BotoCoreError, ClientError) as error:
            raise Unavailable(f"SQS: {error}") from error


def _address(sqs: Any, consumer: str, suffix: str = "") -> str:
    return str(sqs.get_queue_url(QueueName=queue_name(consumer) + suffix)["QueueUrl"])


def _received(sqs: Any, where: str, limit: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < limit:
        number = min(RECEIVED, limit - len(found))
        answer = sqs.receive_message(QueueUrl=where, MaxNumberOfMessages=number, VisibilityTimeout=PEEK)
        if not answer.get("Messages"):
            break
        found += answer["Messages"]
    return found


class RabbitLetters:
    """Those in RabbitMQ, parked there by a bridge whose target is the functions."""

    where = "rabbitmq"

    def __init__(self, url: str) -> None:
        """Say where RabbitMQ is."""
        self._url = url

    def count(self, consumer: str) -> int:
        """Ask RabbitMQ."""
        return self._using(
            lambda channel: int(channel.queue_declare(_dead(consumer), passive=True).method.message_count)
        )

    def peek(self, consumer: str, limit: int) -> list[str]:
        """Get some without an acknowledgement: when the channel closes, they are back."""
        return self._using(
            lambda channel: [body.decode(errors="replace") for _, _, body in _got(channel, consumer, limit)]
        )

    def redrive(self, consumer: str, limit: int) -> int:
        """Publish first, with a confirm, acknowledge afterwards."""

        def move(channel: Any) -> int:
            channel.confirm_delivery()
            moved = 0
            for method, properties, body in _got(channel, consumer, limit):
                properties.headers = {}
                channel.basic_publish("", Line(consumer=consumer, types=()).queue, body, properties, mandatory=True)
                channel.basic_ack(method.delivery_tag)
                moved += 1
            return moved

        return self._using(move)

    def _using(self, work: Callable[[Any], Result]) -> Result:
        from pika.exceptions import AMQPError

        try:
            with topology.connected(self._url) as connection:
                return work(connection.channel())
        except (AMQPError, OSError) as error:
            raise Unavailable(f"RabbitMQ: {error!r}") from error


def _dead(consumer: str) -> str:
    return Line(consumer=consumer, types=()).dead_queue


def _got(channel: Any, consumer: str, limit: int) -> Iterator[tuple[Any, Any, bytes]]:
    for _ in range(limit):
        method, properties, body = channel.basic_get(_dead(consumer))
        if method is None:
            return
        yield method, properties, body
