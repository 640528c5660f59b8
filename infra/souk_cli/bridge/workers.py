"""The worker processes of the direct target: started, listened to, and started again when one of them dies."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

import msgspec

from souk_cli.bridge.link import LOG
from souk_cli.bridge.patience import Patience
from souk_cli.bridge.statistics import Counts, Report, Statistics, total
from souk_cli.connections import of_functions

PATIENCE = 30.0  # seconds for a worker to finish what it carries
STEADY = 60.0  # seconds after which a worker's death is not the last one's fault


class Workers:
    """Some workers, and what they have done together."""

    def __init__(self, number: int, statistics: Statistics) -> None:
        """Run so many."""
        self._statistics = statistics
        self._ending = threading.Event()
        self._reports: dict[int, Mapping[str, Counts]] = {}
        self._before: dict[str, Counts] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._threads = [threading.Thread(target=self._keep, args=(one,), daemon=True) for one in range(number)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let them finish what they carry."""
        self._ending.set()
        for process in list(self._processes.values()):
            process.terminate()
        for thread in self._threads:
            thread.join(PATIENCE)
        for process in list(self._processes.values()):
            process.kill()

    def counts(self) -> dict[str, Counts]:
        """Return what all workers have done since the start."""
        return total([self._before, *self._reports.values()])

    def _keep(self, number: int) -> None:
        """Run one worker, again and again."""
        patience = Patience(first=0.5, longest=30.0)
        while not self._ending.is_set():
            began = time.monotonic()
            try:
                self._run(number)
            except OSError as error:  # for want of memory or processes, which may be there a little later
                LOG.error("a worker cannot be run", extra={"worker": number}, exc_info=error)
            if self._ending.is_set():
                return
            LOG.error("a worker ended", extra={"worker": number})
            if time.monotonic() - began > STEADY:
                patience.reset()
            self._ending.wait(patience.next())

    def _run(self, number: int) -> None:
        """Start a worker and listen to it until it ends."""
        reading, writing = os.pipe()
        hours = "keeps-hours" if number == 0 else "no-hours"
        argv = [sys.executable, "-m", "souk_cli.bridge.worker", str(writing), hours]
        env = {name: value for name, value in os.environ.items() if of_functions(name)}
        try:
            started = subprocess.Popen(
                argv, stdin=subprocess.PIPE, pass_fds=(writing,), start_new_session=True, env=env
            )
        except OSError:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        with started as process:
            self._processes[number] = process
            if self._ending.is_set():
                process.terminate()
            with os.fdopen(reading, "rb") as lines:
                for line in lines:
                    self._heard(number, line)
        self._processes.pop(number, None)
        self._remember(number)

    def _heard(self, number: int, line: bytes) -> None:
        try:
            report = msgspec.json.decode(line, type=Report)
        except msgspec.MsgspecError:
            return  # what a worker that was killed was about to say; the next one is started by who listens here
        self._reports[number] = report.counts
        if report.milliseconds:
            self._statistics.learn(report.milliseconds)

    def _remember(self, number: int) -> None:
        """Keep what an ended worker has done; what it held is RabbitMQ's again."""
        ended = self._reports.pop(number, {})
        for counts in ended.values():
            counts.unacked = counts.waiting = 0
        self._before = total([self._before, ended])
