"""Doors for messages: events go to one use case each, or all at once; a bad one never holds up its neighbours."""

import base64
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from chalice.app import CloudWatchEvent, Rate, SQSEvent

from souk import stages, telemetry
from souk.errors import SoukError, Unavailable
from souk.events import Catalogue, Event, Fact, catalogue, decoded

if TYPE_CHECKING:
    import logging

Said = TypeVar("Said", bound=Fact)
Told = Sequence[tuple[Event, Said]]
"""What a consumer is told at once."""
BATCH = 10
TRIES = 5  # after so many failures that are the message's own fault, it is parked in the dead letter queue
DEAD = "-dead"
STRIKES = "strikes"  # the message attribute that counts them
BROKERED = "rmqMessagesByQueue"  # what an event from RabbitMQ itself has instead of records
LEAST = 6.0  # seconds that taking one event may need: more than any store's time-out
LONGEST_PAUSE = 60  # seconds between tries


class Consumer(msgspec.Struct, frozen=True, kw_only=True):
    """One queue of events and the view that takes them, one by one or all of a batch together."""

    name: str
    facts: Catalogue
    view: Callable[..., None]
    together: bool = False

    @property
    def queue(self) -> str:
        """The name of its SQS queue in this stage."""
        return queue_name(self.name)

    @property
    def handler(self) -> str:
        """The name of the function that is invoked."""
        return str(getattr(self.view, "__name__", self.name))


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """A view that is called every so many minutes."""

    minutes: int
    view: Callable[[], None]


def queue_name(consumer: str) -> str:
    """Return the SQS queue of a consumer in this stage."""
    return f"{stages.current()}-souk-{consumer}"


class QueueDoors:
    """The part of an app that takes events and keeps hours; mixed into `souk.http.Souk`."""

    consumers: list[Consumer]
    ticks: list[Tick]
    telemetry: "logging.Logger"

    def consumer(self, name: str, *facts: type[Fact]) -> Callable[[Callable[..., None]], Callable[..., Any]]:
        """Register `view(event, fact)` as the consumer `name` of the given facts; it is called once per event.

        What stands under the view's name afterwards is the function that Lambda invokes with a batch.
        """
        return self._registering(functools.partial(Consumer, name=name, facts=catalogue(*facts)))

    def batch_consumer(self, name: str, *facts: type[Fact]) -> Callable[[Callable[..., None]], Callable[..., Any]]:
        """Register `view(told)` as a consumer that is told all events of a batch at once, as pairs (event, fact).

        For effects that many share a round trip of. When the view raises, each is given to it once more by itself, so
        its effect has to be one that is safe to repeat.
        """
        return self._registering(functools.partial(Consumer, name=name, facts=catalogue(*facts), together=True))

    def _registering(self, made: Callable[..., Consumer]) -> Callable[[Callable[..., None]], Callable[..., Any]]:
        def register(view: Callable[..., None]) -> Callable[..., Any]:
            consumer = made(view=view)
            self.consumers.append(consumer)

            def take(batch: SQSEvent) -> dict[str, Any]:
                given = batch.to_dict()
                if BROKERED in given:
                    return self._take_brokered(consumer, given, _time_left(batch.context))
                return self._take(consumer, given["Records"], _time_left(batch.context))

            take.__name__ = view.__name__
            chalice: Any = self
            handler: Callable[..., Any] = chalice.on_sqs_message(
                queue=consumer.queue, batch_size=BATCH, name=view.__name__
            )(take)
            return handler

        return register

    def every(self, minutes: int) -> Callable[[Callable[[], None]], Callable[..., Any]]:
        """Register `view()` to be called every so many minutes."""

        def register(view: Callable[[], None]) -> Callable[..., Any]:
            def tick(_: CloudWatchEvent) -> None:
                view()

            tick.__name__ = view.__name__
            self.ticks.append(Tick(minutes=minutes, view=view))
            chalice: Any = self
            handler: Callable[..., Any] = chalice.schedule(Rate(minutes, unit=Rate.MINUTES), name=view.__name__)(tick)
            return handler

        return register

    def _take(
        self, consumer: Consumer, records: Sequence[Mapping[str, Any]], time_left: Callable[[], float]
    ) -> dict[str, Any]:
        """Give the records to the consumer; answer with those to be tried again (Lambda's partial batch response).

        `refused` names those whose failure is their own fault, for a bridge that counts tries itself. What there is no
        time for is left for another batch: a function that is ended by its time-out would repeat all of this one.
        """
        failed: list[str] = []
        refused: list[str] = []
        if consumer.together and len(records) > 1 and self._take_together(consumer, records):
            records = ()
        for record in records:
            message = str(record["messageId"])
            if time_left() < LEAST:
                failed.append(message)
                _come_back(record)
                continue
            with _own_trace():
                try:
                    self._view(consumer, [decoded(record["body"])])
                except Unavailable as error:
                    self.telemetry.warning(
                        "later", extra={"consumer": consumer.name, "message_id": message, "why": str(error)}
                    )
                    failed.append(message)
                    _come_back(record)
                except Exception as error:  # noqa: BLE001 - the outermost door: one bad event must not repeat its neighbours
                    self._log_failure(consumer, message, error)
                    if not _set_aside(record):
                        failed.append(message)
                        refused.append(message)
                        _come_back(record)
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed], "refused": refused}

    def _take_brokered(
        self, consumer: Consumer, given: Mapping[str, Any], time_left: Callable[[], float]
    ) -> dict[str, Any]:
        """Take what RabbitMQ itself gave, by an Amazon MQ event source: all of it, or all of it comes again.

        That source knows no partial failures, so it is to give one message at a time. What fails again and again is
        parked by the queue's own delivery limit. Raises Unavailable for what has to be given again.
        """
        records = list(_brokered(given))
        if failed := self._take(consumer, records, time_left)["batchItemFailures"]:
            raise Unavailable(f"{len(failed)} of {len(records)} messages have to be given to {consumer.name} again")
        return {}

    def _take_together(self, consumer: Consumer, records: Sequence[Mapping[str, Any]]) -> bool:
        """Give all records at once, under the trace of the first; False where each has to be tried by itself."""
        with _own_trace():
            try:
                self._view(consumer, [decoded(record["body"]) for record in records])
            except Exception as error:  # noqa: BLE001 - whatever it is, each event by itself tells whose fault it is
                self.telemetry.info("one by one", extra={"consumer": consumer.name, "why": str(error)})
                return False
        return True

    def _view(self, consumer: Consumer, events: Sequence[Event]) -> None:
        """Show the consumer what it asks for of these; the rest was bound by an older topology."""
        wanted = [event for event in events if event.type in consumer.facts]
        if not wanted:
            return
        telemetry.trace_id.set(wanted[0].trace)
        told = [(event, event.read(consumer.facts[event.type])) for event in wanted]
        consumer.view(told) if consumer.together else consumer.view(*told[0])
        for event in wanted:
            about = {"consumer": consumer.name, "event": event.id, "type": event.type, "trace": event.trace}
            self.telemetry.info("taken", extra=about)

    def _log_failure(self, consumer: Consumer, message: str, error: Exception) -> None:
        where = {"consumer": consumer.name, "message_id": message}
        if isinstance(error, SoukError):
            self.telemetry.warning("an event was refused", extra={**where, "why": str(error)})
        else:
            self.telemetry.error("a bug while taking an event", extra=where, exc_info=error)


@contextmanager
def _own_trace() -> Iterator[None]:
    """Let what is logged and told in here carry the trace of the event that is being taken, as soon as it is known."""
    before = telemetry.trace_id.set("")
    try:
        yield
    finally:
        telemetry.trace_id.reset(before)


def _brokered(given: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give the messages of an `aws:rmq` event as records like those of SQS; their bodies arrive as base64."""
    for queue, messages in given[BROKERED].items():
        for place, message in enumerate(messages):
            name = message["basicProperties"].get("messageId") or f"{queue} {place}"
            yield {"messageId": name, "body": base64.b64decode(message["data"]).decode()}


def _time_left(context: Any) -> Callable[[], float]:
    """Return what tells how many seconds are left until the function is ended."""
    return lambda: float(context.get_remaining_time_in_millis()) / 1000


def _tries(record: Mapping[str, Any]) -> int:
    return int(record.get("attributes", {}).get("ApproximateReceiveCount", 1))


def _queue(record: Mapping[str, Any]) -> str | None:
    """Return the name of the SQS queue a record came from; None when something else carried it."""
    source = str(record.get("eventSourceARN", ""))
    return source.rsplit(":", 1)[1] if source.startswith("arn:aws:sqs:") and record.get("receiptHandle") else None


@functools.cache
def _sqs() -> Any:
    import boto3

    return boto3.client("sqs")


def _strikes(record: Mapping[str, Any]) -> int:
    """Return how often the message failed by its own fault; the queue counts every time it was given out, ours or not."""
    return int(record.get("messageAttributes", {}).get(STRIKES, {}).get("stringValue", 0))


def _set_aside(record: Mapping[str, Any]) -> bool:
    """Put a message that failed by its own fault into its queue anew with one strike more, or among the dead.

    Tell whether it lies there now, so that this copy of it is done with.
    """
    queue, strikes = _queue(record), _strikes(record) + 1
    if queue is None:
        return False
    from botocore.exceptions import BotoCoreError, ClientError

    dead = strikes >= TRIES
    attributes = {STRIKES: {"DataType": "Number", "StringValue": str(strikes)}}
    try:
        url = _sqs().get_queue_url(QueueName=queue + DEAD if dead else queue)["QueueUrl"]
        pause = 0 if dead else _pause(strikes)
        _sqs().send_message(QueueUrl=url, MessageBody=record["body"], MessageAttributes=attributes, DelaySeconds=pause)
    except (BotoCoreError, ClientError):
        return False  # it comes back, and its neighbours need not
    return True


def _pause(times: int) -> int:
    """Return for how many seconds something waits that failed so often; it doubles."""
    return int(min(2 ** min(times, 10), LONGEST_PAUSE))


def _come_back(record: Mapping[str, Any]) -> None:
    """Let a failed record come back after a pause that doubles, instead of when the queue's time-out is over."""
    queue = _queue(record)
    if queue is None:
        return
    from botocore.exceptions import BotoCoreError, ClientError

    with suppress(BotoCoreError, ClientError):  # then the queue's own time-out stands
        url = _sqs().get_queue_url(QueueName=queue)["QueueUrl"]
        _sqs().change_message_visibility(
            QueueUrl=url, ReceiptHandle=record["receiptHandle"], VisibilityTimeout=_pause(_tries(record))
        )
