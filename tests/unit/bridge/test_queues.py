"""SQS as a target, and its dead letters."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from souk.errors import Unavailable
from souk.queues import DEAD, queue_name
from souk_cli.bridge.deliveries import Delivery
from souk_cli.bridge.targets import Queues, Verdict
from souk_cli.dead import QueueLetters


class Channel:
    is_open = True


@pytest.fixture
def sqs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield boto3.client("sqs")


def made(sqs: Any, suffix: str = "") -> str:
    return str(sqs.create_queue(QueueName=queue_name("orders") + suffix)["QueueUrl"])


def bodies(sqs: Any, where: str) -> set[str]:
    return {one["Body"] for one in sqs.receive_message(QueueUrl=where, MaxNumberOfMessages=10).get("Messages", [])}


def deliveries(*texts: str) -> list[Delivery]:
    return [
        Delivery(message_id=f"m{tag}", body=text.encode(), channel=Channel(), tag=tag, delivered=0)
        for tag, text in enumerate(texts)
    ]


def test_a_message_is_done_when_its_queue_has_it(sqs: Any) -> None:
    where = made(sqs)
    assert Queues().give("orders", deliveries("a", "b")) == [Verdict.DONE, Verdict.DONE]
    assert bodies(sqs, where) == {"a", "b"}


def test_a_message_that_sqs_never_takes_is_refused_and_its_neighbours_go_on(sqs: Any) -> None:
    where = made(sqs)
    verdicts = Queues().give("orders", deliveries("a", "x" * 2_000_000, "b"))
    assert verdicts == [Verdict.DONE, Verdict.REFUSED, Verdict.DONE]
    assert bodies(sqs, where) == {"a", "b"}


def test_an_empty_message_is_refused_and_its_neighbours_go_on(sqs: Any) -> None:
    made(sqs)
    target = Queues()
    target.give("orders", deliveries("a"))
    taken = {"Id": "0", "MessageId": "m", "MD5OfMessageBody": "d"}
    with Stubber(target._sqs()) as answers:  # as SQS itself has it: moto takes an empty one
        answers.add_client_error("send_message_batch", service_error_code="MissingParameter")
        answers.add_response("send_message_batch", {"Successful": [taken], "Failed": []})
        answers.add_client_error("send_message_batch", service_error_code="MissingParameter")
        answers.add_response("send_message_batch", {"Successful": [taken], "Failed": []})
        assert target.give("orders", deliveries("a", "", "b")) == [Verdict.DONE, Verdict.REFUSED, Verdict.DONE]


def test_without_its_queue_the_target_is_away(sqs: Any) -> None:
    target = Queues()
    with pytest.raises(Unavailable):
        target.give("orders", deliveries("a"))
    made(sqs)
    assert target.give("orders", deliveries("a")) == [Verdict.DONE]


def test_a_queue_that_was_forgotten_is_looked_for_again(sqs: Any) -> None:
    where = made(sqs)
    target = Queues()
    target.give("orders", deliveries("a"))
    sqs.delete_queue(QueueUrl=where)
    with pytest.raises(Unavailable):
        target.give("orders", deliveries("b"))
    where = made(sqs)
    assert target.give("orders", deliveries("b")) == [Verdict.DONE]
    assert bodies(sqs, where) == {"b"}


def test_dead_letters_are_shown_and_stay(sqs: Any) -> None:
    dead = made(sqs, DEAD)
    sqs.send_message(QueueUrl=dead, MessageBody="x")
    letters = QueueLetters()
    assert letters.peek("orders", 5) == ["x"]
    assert letters.count("orders") == 1
    assert letters.peek("orders", 5) == ["x"]


def test_dead_letters_are_sent_to_their_queue_again(sqs: Any) -> None:
    alive, dead = made(sqs), made(sqs, DEAD)
    for number in range(12):
        sqs.send_message(QueueUrl=dead, MessageBody=str(number))
    letters = QueueLetters()
    assert letters.redrive("orders", 11) == 11
    assert letters.redrive("orders", 100) == 1
    assert letters.count("orders") == 0
    assert len(bodies(sqs, alive)) == 10


def test_letters_that_cannot_be_read_are_unavailable(sqs: Any) -> None:
    with pytest.raises(Unavailable):
        QueueLetters().count("orders")
