import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from souk_executor.queues import polling

SECONDS = 10


class Poller:
    """What LocalStack's poller of a queue shows to ours: each poll finds one message."""

    source_arn = "arn:q"
    queue_url = "q"
    batch_size = 10
    is_fifo_queue = False
    maximum_batching_window = 0

    def __init__(self) -> None:
        self.source_client = self
        self.found: Iterator[list[dict[str, int]]] = iter([{"n": n}] for n in range(100))
        self.together = threading.Barrier(3)
        self.handled: list[int] = []
        self.fails = False

    def receive_message(self, **_: object) -> dict[str, Any]:
        return {"Messages": next(self.found)}

    def handle_messages(self, messages: list[dict[str, int]]) -> None:
        if self.fails:
            raise ValueError(messages)
        self.handled += [message["n"] for message in messages]
        self.together.wait(SECONDS)


def one_by_one(poller: Poller) -> None:
    poller.handled.append(-1)


def test_several_batches_are_handled_at_once() -> None:
    poll, close = polling(one_by_one, at_once=2)
    poller = Poller()
    poll(poller)
    poll(poller)
    poller.together.wait(SECONDS)  # all three meet only when both batches are being handled
    assert sorted(poller.handled) == [0, 1]
    close(poller)


def test_a_batch_that_fails_is_logged_and_frees_its_place(caplog: pytest.LogCaptureFixture) -> None:
    poll, close = polling(one_by_one, at_once=1)
    poller = Poller()
    poller.fails = True
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            poll(poller)
    assert "a batch of arn:q failed" in caplog.text
    close(poller)


def test_a_mapping_that_was_closed_can_be_used_again() -> None:
    poll, close = polling(one_by_one, at_once=1)
    poller = Poller()
    poller.together = threading.Barrier(2)
    for _ in range(2):
        poll(poller)
        poller.together.wait(SECONDS)
        close(poller)
    assert poller.handled == [0, 1]


@pytest.mark.parametrize(("name", "value"), [("is_fifo_queue", True), ("maximum_batching_window", 1)])
def test_order_and_batching_windows_are_left_to_localstack(name: str, value: object) -> None:
    poll, close = polling(one_by_one, at_once=2)
    poller = Poller()
    setattr(poller, name, value)
    poll(poller)
    close(poller)
    assert poller.handled == [-1]
