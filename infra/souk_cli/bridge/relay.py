"""Sends what waits in the outboxes: each source in a thread of its own, so that one dead store stops no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from souk.errors import SoukError
from souk_cli.bridge.link import LOG
from souk_cli.bridge.outbox import Lag, Publish, Source
from souk_cli.bridge.patience import IDLE, Pace, Patience
from souk_cli.bridge.publisher import Message
from souk_cli.bridge.topology import Line

LOOK_AT_LAG = 2.0  # seconds between
BREATH = 0.02  # at least, so that what comes close together is sent together
FULL = 100  # so many found at once, and there are probably more
PURGE = 600.0
PUT_OFF = 60.0  # seconds until what else there is to do is tried again


class Sender:
    """Empties one source for ever."""

    def __init__(self, source: Source, relay: Relay, clock: Callable[[], float]) -> None:
        """Take from `source` and give to what `relay` publishes with."""
        self.source, self._relay, self._clock = source, relay, clock
        self._patience = Patience(first=0.1, longest=5.0)
        self._pace = Pace(clock, busy=source.busy)
        self._wake = threading.Event()
        self._look_next = self._purge_next = 0.0
        self.sent = 0
        self.lag = Lag(unsent=0, oldest_seconds=0.0)
        self.trouble = ""

    def hurry(self) -> None:
        """Look often again: something is likely to be there soon."""
        self._pace.hurry()

    def wake(self) -> None:
        """Look at once."""
        self._wake.set()

    def run(self) -> None:
        """Send until the relay ends."""
        hears = self.source.listen(self.wake)
        while not self._relay.ending.is_set():
            began = self._clock()
            wait = self.turn()
            if self.trouble:  # what comes meanwhile makes nothing well
                self._relay.ending.wait(wait)
            elif wait:
                self._wake.wait(IDLE if hears() else wait)
                self._wake.clear()
                self._relay.ending.wait(began + BREATH - self._clock())

    def turn(self) -> float:
        """Do what there is to do and return the seconds to wait."""
        try:
            found = self.source.pass_on(self._relay.publish)
        except Exception as error:  # noqa: BLE001 - the outermost door: nothing may end a source for good
            self._note(error)
            return self._patience.next()
        if self.trouble:
            self.trouble = ""
            LOG.info("a source answers again", extra={"source": self.source.name})
        self._patience.reset()
        self._keep_house()
        if not found:
            return self._pace.next()
        self.sent += found
        self._pace.hurry()
        return 0.0 if found >= FULL else self._pace.next()

    def _keep_house(self) -> None:
        """See how much waits, and remove what was kept long enough; where that fails, sending goes on without it."""
        now = self._clock()
        try:
            if now >= self._look_next:
                self.lag = self.source.lag()
                self._look_next = now + LOOK_AT_LAG
            if now >= self._purge_next:
                self._purge_next = now if self.source.purge() else now + PURGE
        except Exception as error:  # noqa: BLE001 - the outermost door: what it is about has been sent, or is no event
            self._look_next = self._purge_next = self._clock() + PUT_OFF
            LOG.warning("an outbox is not looked after", extra={"source": self.source.name}, exc_info=error)

    def _note(self, error: Exception) -> None:
        why = f"{type(error).__name__}: {error}".strip()
        if why == self.trouble:
            return
        self.trouble = why
        cause = None if isinstance(error, SoukError) else error
        LOG.warning("a source does not work", extra={"source": self.source.name, "why": why}, exc_info=cause)


class Relay:
    """All senders."""

    def __init__(
        self,
        sources: Sequence[Source],
        publish: Publish,
        lines: Sequence[Line] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Empty these; what is published makes the services look often whose consumers hear of it."""
        self.ending = threading.Event()
        self._publish = publish
        kinds = {kind for line in lines for kind in line.types}
        self._hear = {kind: {line.service for line in lines if kind in line.types} for kind in kinds}
        self.senders = [Sender(source, self, clock) for source in sources]
        self._threads = [threading.Thread(target=one.run, name=one.source.name, daemon=True) for one in self.senders]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def publish(self, messages: Sequence[Message]) -> frozenset[str]:
        """Publish, and let those who may soon have something to say to it look often for a while."""
        sent = self._publish(messages)
        services = {service for one in messages for service in self._hear.get(one.key, ())}
        for sender in self.senders:
            if sender.source.service in services:
                sender.hurry()
        return sent

    def stop(self, *, within: float) -> None:
        """Finish the batches that are on their way, and end."""
        self.ending.set()
        for sender in self.senders:
            sender.wake()
        until = time.monotonic() + within
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))
