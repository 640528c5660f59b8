"""Dead letters in RabbitMQ are shown and stay, until they are sent to their queue again."""

from collections.abc import Iterator
from typing import Any

import pytest

from souk.errors import Unavailable
from souk_cli.bridge import topology
from souk_cli.bridge.publisher import Message, Publisher
from souk_cli.bridge.topology import Line
from souk_cli.dead import RabbitLetters
from souk_local.patience import until

pytestmark = [pytest.mark.stores]
LINE = Line(consumer="toy-letters", types=("toy.lettered",))


@pytest.fixture
def url(stores: dict[str, str]) -> Iterator[str]:
    found = stores["BRIDGE_RABBIT_URL"]
    topology.prepare(found, [LINE])
    yield found
    with topology.connected(found) as connection:
        for queue in (LINE.queue, LINE.dead_queue):
            connection.channel().queue_delete(queue)


@pytest.fixture
def publisher(url: str) -> Iterator[Publisher]:
    made = Publisher(url, lambda: topology.prepare(url, [LINE]))
    made.start()
    assert made.open.wait(60)
    yield made
    made.stop()


def letter(number: int, *, exchange: str = topology.DEAD, key: str = LINE.consumer) -> Message:
    return Message(exchange=exchange, key=key, id=f"m{number}", body=str(number).encode())


def test_letters_stay_when_they_are_looked_at_and_go_when_they_are_sent_again(url: str, publisher: Publisher) -> None:
    publisher.publish([letter(number) for number in range(3)])
    letters = RabbitLetters(url)
    assert sorted(letters.peek(LINE.consumer, 10)) == ["0", "1", "2"]
    until(lambda: letters.count(LINE.consumer) == 3)  # RabbitMQ puts back what was looked at when it gets round to it
    assert letters.redrive(LINE.consumer, 2) == 2
    until(lambda: topology.depths(url, [LINE]) == {LINE.consumer: (2, 1)})


def test_a_letter_that_is_no_text_is_shown_too(url: str, publisher: Publisher) -> None:
    publisher.publish([Message(exchange=topology.DEAD, key=LINE.consumer, id="m1", body=b"tea\xff")])
    assert RabbitLetters(url).peek(LINE.consumer, 10) == ["tea\ufffd"]


def test_a_batch_is_confirmed_as_a_whole(publisher: Publisher, url: str) -> None:
    batch = [letter(number, exchange=topology.EVENTS, key="toy.lettered") for number in range(1_000)]
    assert len(publisher.publish(batch)) == 1_000
    until(lambda: topology.depths(url, [LINE])[LINE.consumer] == (1_000, 0))


def test_what_nothing_routes_did_not_arrive(publisher: Publisher) -> None:
    with pytest.raises(Unavailable):
        publisher.publish([letter(1, key="nobody")])


@pytest.mark.parametrize("key", ["x" * 256, 3])
def test_a_message_that_cannot_be_written_holds_no_other_up(publisher: Publisher, key: Any) -> None:
    kind = LINE.types[0]
    for _ in range(2):
        batch = [
            letter(1, exchange=topology.EVENTS, key=key),
            *(letter(number, exchange=topology.EVENTS, key=kind) for number in (2, 3)),
        ]
        assert publisher.publish(batch) == {"m2", "m3"}
    with pytest.raises(Unavailable):
        publisher.publish(batch[:1])


def test_an_event_that_nobody_asks_for_arrives_where_such_events_are_kept(publisher: Publisher) -> None:
    assert publisher.publish([letter(1, exchange=topology.EVENTS, key="toy.unwanted")]) == {"m1"}


def test_without_a_connection_nothing_is_published(url: str) -> None:
    with pytest.raises(Unavailable):
        Publisher(url, lambda: None).publish([letter(1)])


def test_a_topology_that_is_there_already_stays(url: str, publisher: Publisher) -> None:
    publisher.publish([letter(1, exchange=topology.EVENTS, key="toy.lettered")])
    topology.prepare(url, [LINE])
    until(lambda: topology.depths(url, [LINE])[LINE.consumer] == (1, 0))
