"""Polling an SQS queue for an event source mapping, several batches at once; LocalStack itself takes one by one."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

LOG = logging.getLogger(__name__)
POLL_SECONDS = 5
LARGEST_POLL = 10


class Batches:
    """The batches of one mapping that are being handled."""

    def __init__(self, at_once: int) -> None:
        self._free = threading.Semaphore(at_once)
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="souk-batch")

    def poll(self, poller: Any) -> None:
        """Wait for messages as long as nobody is busy handling, and have them handled meanwhile."""
        self._free.acquire()
        messages: list[Any] = []
        try:
            messages = _receive(poller)
        finally:
            if not messages:
                self._free.release()
        if messages:
            self._pool.submit(self._handle, poller, messages)

    def close(self) -> None:
        """Take no more; what is being handled is finished."""
        self._pool.shutdown(wait=False)

    def _handle(self, poller: Any, messages: list[Any]) -> None:
        try:
            poller.handle_messages(messages)
        except Exception:  # the outermost door of this thread: the queue delivers the messages again
            LOG.warning("a batch of %s failed", poller.source_arn, exc_info=True)
        finally:
            self._free.release()


def polling(one_by_one: Callable[[Any], None], *, at_once: int) -> tuple[Callable[[Any], None], Callable[[Any], None]]:
    """Make the `poll_events` and `close` of LocalStack's poller.

    FIFO queues and mappings with a batching window keep LocalStack's own, which preserves order and waits.
    """

    def poll_events(poller: Any) -> None:
        if poller.is_fifo_queue or poller.maximum_batching_window:
            one_by_one(poller)
            return
        if "souk_batches" not in vars(poller):
            poller.souk_batches = Batches(at_once)
        poller.souk_batches.poll(poller)

    def close(poller: Any) -> None:
        if batches := vars(poller).pop("souk_batches", None):  # a mapping that is enabled again polls with new ones
            batches.close()

    return poll_events, close


def _receive(poller: Any) -> list[Any]:
    answer = poller.source_client.receive_message(
        QueueUrl=poller.queue_url,
        MaxNumberOfMessages=min(poller.batch_size, LARGEST_POLL),
        WaitTimeSeconds=POLL_SECONDS,
        MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )
    messages: list[Any] = answer.get("Messages", [])
    return messages
