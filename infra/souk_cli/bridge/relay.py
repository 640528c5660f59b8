"""Sends what waits in the outboxes: each source in a thread of its own, so that one dead store stops no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from souk.errors import SoukError
from souk_cli.bridge.link import LOG
from souk_cli.bridge.patience import Pace, Patience
from souk_cli.bridge.sources import Lag, Publish, Source

LOOK_AT_LAG = 2.0  # seconds between
PURGE = 600.0


class Sender:
    """Empties one source for ever."""

    def __init__(self, source: Source, publish: Publish, relay: Relay) -> None:
        """Take from `source` and give to `publish`."""
        self.source, self._publish, self._relay = source, publish, relay
        self._patience = Patience(first=0.1, longest=5.0)
        self._pace = Pace()
        self._wake = threading.Event()
        self._look_next = self._purge_next = 0.0
        self.sent = 0
        self.lag = Lag(unsent=0, oldest_seconds=0.0)
        self.trouble = ""

    def hurry(self, *, now: bool = False) -> None:
        """Look often again; at once if something is likely there."""
        self._pace.hurry()
        if now:
            self._wake.set()

    def run(self) -> None:
        """Send until the relay ends."""
        while not self._relay.ending.is_set():
            wait = self._turn()
            if wait:
                self._wake.wait(wait)
                self._wake.clear()

    def _turn(self) -> float:
        """Do what there is to do and return the seconds to wait."""
        try:
            self._keep_house()
            found = self.source.pass_on(self._publish)
        except Exception as error:  # noqa: BLE001 - the outermost door: nothing may end a source for good
            self._note(error)
            return self._patience.next()
        if self.trouble:
            self.trouble = ""
            LOG.info("a source answers again", extra={"source": self.source.name})
        self._patience.reset()
        if not found:
            return self._pace.next()
        self.sent += found
        self._relay.hurry()
        return 0.0

    def _keep_house(self) -> None:
        now = time.monotonic()
        if now >= self._look_next:
            self._look_next = now + LOOK_AT_LAG
            self.lag = self.source.lag()
        if now >= self._purge_next:
            self._purge_next = now if self.source.purge() else now + PURGE

    def _note(self, error: Exception) -> None:
        why = f"{type(error).__name__}: {error}".strip()
        if why == self.trouble:
            return
        self.trouble = why
        cause = None if isinstance(error, SoukError) else error
        LOG.warning("a source does not work", extra={"source": self.source.name, "why": why}, exc_info=cause)


class Relay:
    """All senders."""

    def __init__(self, sources: Sequence[Source], publish: Publish) -> None:
        """Empty these."""
        self.ending = threading.Event()
        self.senders = [Sender(source, publish, self) for source in sources]
        self._threads = [threading.Thread(target=one.run, name=one.source.name, daemon=True) for one in self.senders]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def hurry(self, *, now: bool = False) -> None:
        """Let every sender look often for a while: where something happens, more is likely to."""
        for sender in self.senders:
            sender.hurry(now=now)

    def stop(self, *, within: float) -> None:
        """Finish the batches that are on their way, and end."""
        self.ending.set()
        self.hurry(now=True)
        until = time.monotonic() + within
        for thread in self._threads:
            if thread.is_alive():
                thread.join(max(0.0, until - time.monotonic()))
