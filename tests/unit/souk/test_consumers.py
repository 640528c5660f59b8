"""Doors for messages: a batch of events, from SQS or from RabbitMQ itself, and which of them come again."""

import base64
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
import pytest
from chalice.test import Client

from souk import telemetry
from souk.clock import utcnow
from souk.errors import Refused, Unavailable
from souk.events import Event, Fact
from souk.http import Souk
from souk_cli.serve.proxy import Context


class Counted(Fact, frozen=True, kw_only=True):
    TYPE: ClassVar[str] = "thing.counted"
    count: int


@pytest.fixture
def client() -> Iterator[Client]:
    app = Souk("thing")

    @app.consumer("counts", Counted)
    def count(event: Event, fact: Counted) -> None:
        """Take a count."""
        if fact.count < 0:
            raise Unavailable("not yet")
        if fact.count == 0:
            raise Refused("never")

    with Client(app) as opened:
        yield opened


def record(message: str, body: str) -> dict[str, Any]:
    return {"messageId": message, "body": body, "attributes": {}, "eventSourceARN": "arn:aws:rabbitmq:x"}


def invoke(client: Client, records: list[dict[str, Any]], *, seconds: float = 30) -> dict[str, Any]:
    app = client._app
    answer: dict[str, Any] = app.handler_map["count"]({"Records": records}, Context("count", "1", seconds=seconds))
    return answer


def test_one_bad_event_does_not_hold_up_its_neighbours(client: Client) -> None:
    events = [Event.of(Counted(count=n), aggregate="a", version=1, now=utcnow()) for n in (1, 0, -1)]
    records = [record(str(n), event.encoded().decode()) for n, event in enumerate(events)]
    answer = invoke(client, [*records, record("junk", "{")])
    assert [one["itemIdentifier"] for one in answer["batchItemFailures"]] == ["1", "2", "junk"]
    assert answer["refused"] == ["1", "junk"], "what may work later is not its own fault"


def brokered(*bodies: str) -> dict[str, Any]:
    """An event as an Amazon MQ event source gives it to a function, with the properties that the bridge publishes."""
    absent = dict.fromkeys(("headers", "priority", "correlationId", "replyTo", "expiration", "userId", "clusterId"))
    given = [
        {
            "basicProperties": {
                **absent,
                "contentType": "application/json",
                "contentEncoding": None,
                "deliveryMode": 2,
                "messageId": f"message-{number}",
                "timestamp": "Nov 26, 2026, 9:00:00 AM",
                "type": "thing.counted",
                "appId": None,
                "bodySize": len(body),
            },
            "redelivered": False,
            "data": base64.b64encode(body.encode()).decode(),
        }
        for number, body in enumerate(bodies)
    ]
    return {
        "eventSource": "aws:rmq",
        "eventSourceArn": "arn:aws:mq:eu-central-1:000000000000:broker:souk:b-00000000-0000-4000-8000-000000000000",
        "rmqMessagesByQueue": {"souk.counts::/": given},
    }


def handed(client: Client, count: int) -> Any:
    event = Event.of(Counted(count=count), aggregate="a", version=1, now=utcnow())
    return client._app.handler_map["count"](brokered(event.encoded().decode()), Context("count", "1"))


def test_a_message_from_rabbitmq_itself_is_taken(client: Client) -> None:
    assert handed(client, 1) == {}


@pytest.mark.parametrize("count", [0, -1])
def test_a_message_from_rabbitmq_itself_that_failed_comes_again(client: Client, count: int) -> None:
    with pytest.raises(Unavailable, match="1 of 1 messages"):
        handed(client, count)


def test_what_there_is_no_time_for_is_left_for_another_batch(client: Client) -> None:
    event = Event.of(Counted(count=1), aggregate="a", version=1, now=utcnow())
    answer = invoke(client, [record("1", event.encoded().decode())], seconds=1)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "1"}], "refused": []}


def test_an_event_of_another_schema_is_refused(client: Client) -> None:
    event = Event.of(Counted(count=1), aggregate="a", version=1, now=utcnow())
    future = msgspec.structs.replace(event, schema=3)
    answer = invoke(client, [record("1", future.encoded().decode())])
    assert answer["refused"] == ["1"]


def test_the_trace_follows_from_the_request_into_the_event(client: Client) -> None:
    token = telemetry.trace_id.set("a" * 32)
    try:
        assert Event.of(Counted(count=1), aggregate="a", version=1, now=utcnow()).trace == "a" * 32
    finally:
        telemetry.trace_id.reset(token)
