"""Carries a consumer's messages to its target, one batch after the other, and sees to what did not work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from souk.errors import SoukError, Unavailable
from souk.queues import TRIES
from souk_cli.bridge.deliveries import BATCH, Delivery, Inbox
from souk_cli.bridge.patience import Patience, growing
from souk_cli.bridge.statistics import Statistics
from souk_cli.bridge.targets import LOG, Target, Verdict

WAIT = 0.5  # seconds for something to come, before looking whether all should end
LATER_FIRST, LATER_LONGEST = 0.1, 5.0  # what waits for a store: for hours, if need be
REFUSED_FIRST, REFUSED_LONGEST = 1.0, 60.0
UNPARKED = 5.0


class Acknowledges(Protocol):
    """Tells RabbitMQ what is done."""

    def done(self, deliveries: Sequence[Delivery]) -> None:
        """Acknowledge these."""
        ...


Park = Callable[[str, Delivery], bool]
"""Puts a consumer's message where the dead ones are, and tells whether it is safely there."""


class Lane:
    """One thread that works for one consumer; a consumer may have several."""

    def __init__(
        self,
        consumer: str,
        *,
        inbox: Inbox,
        target: Target,
        subscription: Acknowledges,
        park: Park,
        statistics: Statistics,
        limit: int = BATCH,
    ) -> None:
        """Carry from `inbox` to `target`, at most so many at once."""
        self.consumer, self._inbox, self._target = consumer, inbox, target
        self._subscription, self._park, self._statistics = subscription, park, statistics
        self._limit = limit
        self._patience = Patience(first=0.1, longest=5.0)
        self._away = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=consumer, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def finish(self) -> None:
        """Ask it to carry what has come already, and end."""
        self._ending.set()
        self._inbox.close()

    def join(self, within: float) -> None:
        """Wait for its end."""
        if self._thread.is_alive():
            self._thread.join(within)

    def _run(self) -> None:
        while not self._ending.is_set() or (self._inbox.fresh and not self._away):
            batch = self._inbox.take(wait=WAIT, limit=self._limit)
            try:
                if batch:
                    self.carry(batch)
            except Exception as error:  # noqa: BLE001 - the outermost door: a lane that ended would leave everything lying
                LOG.error("a batch was left lying", extra={"consumer": self.consumer}, exc_info=error)

    def carry(self, batch: Sequence[Delivery]) -> None:
        """Give a batch to the target, and see to each message by what became of it."""
        try:
            verdicts = self._target.give(self.consumer, batch)
        except Unavailable as error:
            self._hold(batch, error)
            return
        except Exception as error:  # noqa: BLE001 - the outermost door: a function that breaks must not end its lane
            if len(batch) > 1:  # each by itself tells whose fault it is
                for one in batch:
                    self.carry([one])
                return
            LOG.error("a function broke", extra={"consumer": self.consumer}, exc_info=error)
            verdicts = [Verdict.REFUSED]
        self._back()
        self._settle(batch, verdicts)

    def _hold(self, batch: Sequence[Delivery], error: SoukError) -> None:
        """Keep a batch, and wait: the target is away, which is no message's fault."""
        wait = self._patience.next()
        if not self._away:
            LOG.warning("the target is away", extra={"consumer": self.consumer, "why": str(error)})
        self._away = True
        self._statistics.count(self.consumer, later=len(batch))
        for delivery in batch:
            self._inbox.again(delivery, after=0.0)
        self._ending.wait(wait)

    def _back(self) -> None:
        if self._away:
            LOG.info("the target is back", extra={"consumer": self.consumer})
        self._away = False
        self._patience.reset()

    def _settle(self, batch: Sequence[Delivery], verdicts: Sequence[Verdict]) -> None:
        done = [one for one, verdict in zip(batch, verdicts, strict=True) if verdict is Verdict.DONE]
        if done:
            self._finished(done)
            self._statistics.took_effect(one.body for one in done)
            self._statistics.count(self.consumer, forwarded=len(done))
        for delivery, verdict in zip(batch, verdicts, strict=True):
            if verdict is Verdict.LATER:
                self._later(delivery)
            elif verdict is Verdict.REFUSED:
                self._refused(delivery)

    def _finished(self, deliveries: Sequence[Delivery]) -> None:
        self._subscription.done(deliveries)
        self._inbox.settled(len(deliveries))

    def _later(self, delivery: Delivery) -> None:
        delivery.later += 1
        self._statistics.count(self.consumer, later=1)
        self._inbox.again(delivery, after=growing(delivery.later, first=LATER_FIRST, longest=LATER_LONGEST))

    def _refused(self, delivery: Delivery) -> None:
        delivery.refusals += 1
        self._statistics.count(self.consumer, refused=1)
        if delivery.refusals < TRIES:
            self._inbox.again(delivery, after=growing(delivery.refusals, first=REFUSED_FIRST, longest=REFUSED_LONGEST))
        elif self._park(self.consumer, delivery):
            LOG.error("a message is dead", extra={"consumer": self.consumer, "message_id": delivery.message_id})
            self._finished([delivery])
            self._statistics.count(self.consumer, parked=1)
        else:
            self._inbox.again(delivery, after=UNPARKED)
