"""The bridge as a program: relay, carrier or workers, and the status page; started together and ended in order."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from souk import stages
from souk.settings import setting
from souk_cli.bridge import lifeline, sources, status, topology
from souk_cli.bridge.carrier import Carrier
from souk_cli.bridge.link import LOG
from souk_cli.bridge.publisher import Publisher
from souk_cli.bridge.relay import Relay
from souk_cli.bridge.statistics import Counts, Statistics
from souk_cli.bridge.targets import Queues
from souk_cli.bridge.workers import Workers

DRAIN = 15.0  # seconds
CONNECT = 3.0  # seconds to wait for RabbitMQ before the outboxes are looked at


class Plan(Struct, frozen=True, kw_only=True):
    """What to run."""

    target: str
    workers: int
    host: str
    port: int
    beside: bool


class Carrying(Protocol):
    """What brings messages to their target."""

    def start(self) -> None:
        """Begin."""
        ...

    def stop(self) -> None:
        """Finish what is being carried."""
        ...

    def counts(self) -> Mapping[str, Counts]:
        """Return what was done."""
        ...


class Bridge:
    """The whole of it."""

    def __init__(self, plan: Plan) -> None:
        """Prepare what the plan says, from the settings in the environment."""
        self._plan, self._began = plan, time.monotonic()
        self._url = setting("bridge", "RABBIT_URL")
        self._lines = topology.lines()
        self._publisher = Publisher(self._url, lambda: topology.prepare(self._url, self._lines))
        self._relay = Relay(sources.known(), self._publisher.publish, self._lines)
        self._statistics, self._carrying = self._carried()

    def _carried(self) -> tuple[Statistics, Carrying]:
        if self._plan.target == "direct":
            statistics = Statistics(line.consumer for line in self._lines)
            return statistics, Workers(self._plan.workers, statistics)
        carrier = Carrier(self._url, self._lines, Queues())
        return carrier.statistics, _InProcess(carrier)

    def run(self) -> None:
        """Work until told to end."""
        told = lifeline.until_told(beside=self._plan.beside)
        page = status.page(self._plan.host, self._plan.port, self.state)
        if page:
            page.start()
        self._publisher.start()
        self._carrying.start()
        self._publisher.open.wait(CONNECT)
        self._relay.start()
        LOG.info("the bridge is open", extra={"target": self._plan.target, "pid": os.getpid()})
        told.wait()
        self._relay.stop(within=DRAIN)
        self._carrying.stop()
        self._publisher.stop()
        if page:
            page.stop()
        LOG.info("the bridge is closed")

    def state(self) -> status.State:
        """Return how everything is."""
        return status.State(
            stage=stages.current(),
            target=self._plan.target,
            pid=os.getpid(),
            up_seconds=round(time.monotonic() - self._began, 1),
            rabbitmq="up" if self._publisher.open.is_set() else "down",
            sources=status.sources(self._relay),
            consumers=status.consumers(self._lines, self._carrying.counts(), status.depths(self._url, self._lines)),
            latency=self._statistics.latency(),
        )


class _InProcess:
    """A carrier of this process."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier
        self.start = carrier.start

    def stop(self) -> None:
        self._carrier.stop(within=DRAIN)

    def counts(self) -> Mapping[str, Counts]:
        self._carrier.look()
        return self._carrier.statistics.counts()
