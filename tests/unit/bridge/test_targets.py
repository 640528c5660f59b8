"""SQS takes as much in one call as its limit allows."""

from souk_cli.bridge.deliveries import Delivery
from souk_cli.bridge.targets import LIMIT, _by_size


class Channel:
    is_open = True


def delivery(size: int) -> Delivery:
    return Delivery(message_id="m", body=b"x" * size, channel=Channel(), tag=1, delivered=0)


def test_small_messages_go_in_one_call() -> None:
    assert [len(part) for part in _by_size([delivery(100)] * 10)] == [10]


def test_large_ones_are_divided_among_calls() -> None:
    assert [len(part) for part in _by_size([delivery(LIMIT // 2)] * 5)] == [2, 2, 1]


def test_one_that_is_too_large_goes_alone_for_sqs_to_refuse() -> None:
    assert [len(part) for part in _by_size([delivery(1), delivery(LIMIT + 1), delivery(1)])] == [1, 1, 1]
