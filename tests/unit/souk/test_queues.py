from collections.abc import Callable, Iterator
from typing import Any

import boto3
import msgspec
import pytest
from chalice.test import Client
from moto import mock_aws

from souk import queues
from souk.clock import utcnow
from souk.errors import Refused, Unavailable
from souk.events import Event, Fact
from souk.http import Souk
from souk_cli.serve.proxy import Context

QUEUE = "local-souk-things"


class Happened(Fact, frozen=True, kw_only=True):
    TYPE = "thing.happened"
    away: bool = False


@pytest.fixture
def client() -> Iterator[Client]:
    app = Souk("thing")

    @app.consumer("things", Happened)
    def take(event: Event, fact: Happened) -> None:
        if fact.away:
            raise Unavailable("the store is away")
        raise Refused("never")

    with Client(app) as opened:
        yield opened


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {"REGION": "eu-central-1", "ACCESS_KEY_ID": "x", "SECRET_ACCESS_KEY": "x"}.items():
        monkeypatch.setenv("AWS_DEFAULT_REGION" if name == "REGION" else f"AWS_{name}", value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    queues._sqs.cache_clear()
    with mock_aws():
        made = boto3.client("sqs")
        for name in (QUEUE, QUEUE + queues.DEAD):
            made.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "3600"})
        yield made
    queues._sqs.cache_clear()


def address(sqs: Any, name: str) -> str:
    return str(sqs.get_queue_url(QueueName=name)["QueueUrl"])


def received(sqs: Any, name: str) -> list[dict[str, Any]]:
    wanted = {"WaitTimeSeconds": 5, "MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    messages: list[dict[str, Any]] = sqs.receive_message(QueueUrl=address(sqs, name), **wanted).get("Messages", [])
    return messages


def deliver(client: Client, sqs: Any, fact: Happened, *, tries: int = 1, strikes: int = 0) -> dict[str, Any]:
    """Put an event into the queue and hand it on as Lambda does."""
    body = Event.of(fact, aggregate="a", version=1, now=utcnow()).encoded().decode()
    sqs.send_message(QueueUrl=address(sqs, QUEUE), MessageBody=body)
    (message,) = received(sqs, QUEUE)
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {"ApproximateReceiveCount": str(tries)},
        "messageAttributes": {queues.STRIKES: {"stringValue": str(strikes), "dataType": "Number"}} if strikes else {},
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{QUEUE}",
    }
    answer: dict[str, Any] = client._app.handler_map["take"]({"Records": [record]}, Context("take", "1"))
    return answer


def test_what_failed_comes_back_long_before_the_queue_would_give_it_again(client: Client, sqs: Any) -> None:
    assert deliver(client, sqs, Happened(away=True), tries=1)["batchItemFailures"]
    assert len(received(sqs, QUEUE)) == 1


def test_a_message_that_failed_too_often_by_its_own_fault_is_parked(client: Client, sqs: Any) -> None:
    answer = deliver(client, sqs, Happened(), strikes=queues.TRIES - 1)
    assert answer == {"batchItemFailures": [], "refused": []}, "it is done with, as it lies elsewhere now"
    assert len(received(sqs, QUEUE + queues.DEAD)) == 1


def test_a_message_that_failed_by_its_own_fault_is_tried_again_with_a_strike(client: Client, sqs: Any) -> None:
    answer = deliver(client, sqs, Happened(), tries=900)
    assert answer == {"batchItemFailures": [], "refused": []}, "a copy of it waits, with its strike"
    (copy,) = received(sqs, QUEUE)
    assert copy["MessageAttributes"][queues.STRIKES]["StringValue"] == "1"
    assert not received(sqs, QUEUE + queues.DEAD), "how often stores were away does not count"


def test_a_store_that_is_away_is_never_the_messages_fault(client: Client, sqs: Any) -> None:
    assert deliver(client, sqs, Happened(away=True), tries=900)["batchItemFailures"]


class Together:
    """A consumer of batches, the records it is given, and what it was shown."""

    def __init__(self) -> None:
        self.app = Souk("thing")
        self.shown: list[list[str]] = []
        self.app.batch_consumer("things", Happened)(self.view())

    def view(self) -> Callable[[queues.Told[Happened]], None]:
        def take(told: queues.Told[Happened]) -> None:
            self.shown.append([event.aggregate for event, _ in told])
            if any(event.aggregate == "poison" for event, _ in told):
                raise ValueError("never")
            if any(fact.away for _, fact in told):
                raise Unavailable("the store is away")

        return take

    def give(self, **facts: Happened) -> dict[str, Any]:
        records = [
            {
                "messageId": name,
                "body": Event.of(fact, aggregate=name, version=1, now=utcnow()).encoded().decode(),
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for name, fact in facts.items()
        ]
        with Client(self.app) as client:
            answer: dict[str, Any] = client._app.handler_map["take"]({"Records": records}, Context("take", "1"))
        return answer


def test_a_batch_is_shown_at_once() -> None:
    consumer = Together()
    answer = consumer.give(one=Happened(), two=Happened())
    assert (answer["batchItemFailures"], consumer.shown) == ([], [["one", "two"]])


def test_a_bad_event_of_a_batch_holds_up_none_of_its_neighbours() -> None:
    consumer = Together()
    answer = consumer.give(one=Happened(), poison=Happened(), two=Happened(away=True))
    assert [failed["itemIdentifier"] for failed in answer["batchItemFailures"]] == ["poison", "two"]
    assert answer["refused"] == ["poison"]
    assert consumer.shown[1:] == [["one"], ["poison"], ["two"]]


def test_what_a_batch_consumer_does_not_know_is_left_out() -> None:
    class Other(Happened, frozen=True, kw_only=True):
        TYPE = "thing.else"

    consumer = Together()
    assert consumer.give(one=Other(), two=Happened())["batchItemFailures"] == []
    assert consumer.shown == [["two"]]


def traced(fact: Happened, trace: str) -> dict[str, Any]:
    """Return the record of an event that belongs to a trace."""
    event = Event.of(fact, aggregate="a", version=1, now=utcnow())
    body = msgspec.structs.replace(event, trace=trace).encoded().decode()
    return {"messageId": trace, "body": body, "attributes": {"ApproximateReceiveCount": "1"}}


def test_what_is_logged_of_an_event_carries_its_trace(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    records = [traced(Happened(), "refused"), traced(Happened(away=True), "later")]
    client._app.handler_map["take"]({"Records": records}, Context("take", "1"))
    lines = [msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["message"], line["trace"]) for line in lines] == [
        ("an event was refused", "refused"),
        ("later", "later"),
    ]


def test_each_event_of_a_batch_that_was_taken_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    consumer = Together()
    with Client(consumer.app) as client:
        records = [traced(Happened(), "one"), traced(Happened(), "two")]
        client._app.handler_map["take"]({"Records": records}, Context("take", "1"))
    lines = [msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["message"], line["consumer"], line["type"], line["trace"]) for line in lines] == [
        ("taken", "things", "thing.happened", "one"),
        ("taken", "things", "thing.happened", "two"),
    ]
