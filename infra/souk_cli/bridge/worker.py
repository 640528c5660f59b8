"""A process that gives events to the functions themselves, and calls the scheduled ones when their time has come."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from souk.settings import setting
from souk_cli import apps
from souk_cli.bridge import lifeline, topology
from souk_cli.bridge.carrier import Carrier
from souk_cli.bridge.schedule import Schedule
from souk_cli.bridge.targets import Functions
from souk_cli.serve import warm

DRAIN = 20.0  # seconds
GATHER = 1.0
FIRST = 1  # before the local stack's own bridge, which takes ten times as long to a function
AT_MOST_EVERY = 0.02  # seconds between reports
AT_LEAST_EVERY = 1.0


def handlers() -> Mapping[str, Callable[[dict[str, Any], Any], Any]]:
    """Return the functions that take events, by their consumers' names."""
    found = apps.consumers()
    return {one.name: getattr(apps.load(service), one.handler) for service in found for one in found[service]}


def main(report_to: int, *, keep_hours: bool) -> None:
    """Work until told to end, reporting to a file descriptor; one of several workers keeps the schedules."""
    told = lifeline.until_told(beside=True)
    functions = Functions(handlers())
    carrier = Carrier(setting("bridge", "RABBIT_URL"), topology.lines(), functions, gather=GATHER, priority=FIRST)
    schedule = Schedule() if keep_hours else None
    warm.up()
    carrier.start()
    if schedule:
        schedule.start()
    pipe = os.fdopen(report_to, "wb", buffering=0)
    threading.Thread(target=report, args=(carrier, pipe.write), name="report", daemon=True).start()
    told.wait()
    if schedule:
        schedule.stop()
    carrier.stop(within=DRAIN)


def report(carrier: Carrier, write: Callable[[bytes], Any]) -> None:
    """Report what has changed, soon after it has, for as long as the parent lives."""
    never = threading.Event()
    while not never.wait(AT_MOST_EVERY):
        carrier.statistics.changed.wait(AT_LEAST_EVERY)
        carrier.look()
        try:
            write(msgspec.json.encode(carrier.statistics.report()) + b"\n")
        except BrokenPipeError:
            return


if __name__ == "__main__":
    main(int(sys.argv[1]), keep_hours=sys.argv[2] == "keeps-hours")
