"""What is acknowledged to RabbitMQ: the oldest all at once, and nothing that still waits."""

from types import SimpleNamespace
from typing import Any

import pytest

from souk_cli.bridge.deliveries import Delivery, Inbox
from souk_cli.bridge.subscription import Subscription
from souk_cli.bridge.topology import Line

LINE = Line(consumer="cart-stock", types=())


class Channel:
    """Remembers what was acknowledged."""

    is_open = True

    def __init__(self) -> None:
        self.acknowledged: list[tuple[int, bool]] = []

    def basic_ack(self, tag: int, *, multiple: bool = False) -> None:
        self.acknowledged.append((tag, multiple))

    def basic_qos(self, **_: Any) -> None:
        """Take whatever is asked."""

    def add_on_close_callback(self, _: Any) -> None:
        """Never close."""

    add_on_cancel_callback = add_on_close_callback

    def basic_consume(self, queue: str, deliver: Any, arguments: Any) -> str:
        self.deliver, self.priority = deliver, arguments["x-priority"]
        return queue


class Given:
    """A subscription that was given some messages over one channel."""

    def __init__(self, number: int) -> None:
        self.channel, inbox = Channel(), Inbox()
        self._subscription = Subscription("amqp://127.0.0.1/", lambda: None, {LINE: inbox}, priority=1)
        self._subscription._consume(LINE, inbox, self.channel)
        properties = SimpleNamespace(message_id="", headers=None)
        for tag in range(1, number + 1):
            self.channel.deliver(self.channel, SimpleNamespace(delivery_tag=tag), properties, b"")
        self._deliveries = {one.tag: one for one in inbox.take(wait=0, limit=number)}

    def done(self, *tags: int) -> list[tuple[int, bool]]:
        """Acknowledge some, and return what RabbitMQ was told then."""
        deliveries: list[Delivery] = [self._deliveries[tag] for tag in tags]
        self.channel.acknowledged.clear()
        self._subscription._acknowledge(deliveries)
        return list(self.channel.acknowledged)


@pytest.fixture
def given() -> Given:
    return Given(6)


def test_the_oldest_are_acknowledged_at_once(given: Given) -> None:
    assert given.done(1, 2, 3) == [(3, True)]
    assert given.done(5, 4) == [(5, True)]


def test_one_that_still_waits_is_not_among_them(given: Given) -> None:
    assert given.done(1, 3, 4) == [(1, True), (3, False), (4, False)]
    assert given.done(5, 2) == [(5, True)]


def test_other_bridges_get_what_one_of_a_higher_priority_cannot_take(given: Given) -> None:
    assert given.channel.priority == 1


def test_what_came_over_a_closed_channel_is_left_to_it(given: Given) -> None:
    given.channel.is_open = False
    assert given.done(1, 2) == []
