"""Runs the web server's workers, and beside them the bridge that gives events straight to the functions."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.server.mp import MPServer
from msgspec import Struct

from souk.plans import OWN, SESSIONS
from souk_cli import apps
from souk_cli.bridge.patience import Patience
from souk_cli.serve import watch

TARGET = "souk_cli.serve.wsgi:application"
# A thread holds a connection to each database that it has used: two workers hold at most 160 of PostgreSQL's. Half of
# them may wait for an order to be decided (`souk.waiting`), so that 8 always work.
THREADS = 16
IDLE = 300  # seconds until an idle thread ends
BACKPRESSURE = 256  # requests that wait in a worker
PATIENCE = 40.0  # seconds for the bridge to finish what it carries
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 10.0  # seconds until a bridge that died is started again
STEADY = 60.0  # seconds after which its death is not the last one's fault
WATCHED = ("functions", "layers", "infra/souk_cli")


class Plan(Struct, frozen=True, kw_only=True):
    """What to run."""

    host: str
    port: int
    workers: int
    reload: bool
    consumers: bool


class Child:
    """The bridge's process: started, started again when it dies or the code changes, and ended in order."""

    def __init__(self, argv: list[str]) -> None:
        """Start it; it ends when this process does, as it then reads the end of its input."""
        self._argv = argv
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._process = self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(self._argv, stdin=subprocess.PIPE, start_new_session=True)

    def _keep(self) -> None:
        """Start it again whenever it has ended, after a while that grows when it does not last."""
        patience = Patience(first=FIRST_PAUSE, longest=LONGEST_PAUSE)
        while not self._ended.is_set():
            began = time.monotonic()
            self._process.wait()
            if time.monotonic() - began > STEADY:
                patience.reset()
            self._ended.wait(patience.next())
            with self._guard:
                if not self._ended.is_set():
                    self._process = self._start()

    def stop(self) -> None:
        """Let it finish what it carries, and start it no more."""
        with self._guard:
            self._ended.set()
        self._end()
        self._keeper.join()

    def _end(self) -> None:
        process = self._process
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """End it; it starts again with the code as it is now."""
        self._end()


def run(plan: Plan) -> None:
    """Serve until SIGTERM or SIGINT."""
    os.environ.setdefault(SESSIONS, OWN)
    multiprocessing.set_start_method("spawn", force=True)  # workers import the code as it is when they start
    watch.be_watched()
    child = Child(bridge()) if plan.consumers else None
    done = threading.Event()
    if child and plan.reload:
        threading.Thread(target=on_change, args=(child.restart, done), daemon=True).start()
    try:
        server(plan).serve()
    finally:
        done.set()
        if child:
            child.stop()


def bridge() -> list[str]:
    """Return the command that runs the bridge."""
    return [sys.executable, "-m", "souk_cli.main", "bridge", "--target", "direct", "--beside"]


def server(plan: Plan) -> MPServer:
    """Return the web server."""
    root = apps.ROOT
    return MPServer(
        TARGET,
        address=plan.host,
        port=plan.port,
        interface=Interfaces.WSGI,
        workers=plan.workers,
        blocking_threads=THREADS,
        blocking_threads_idle_timeout=IDLE,
        backpressure=BACKPRESSURE,
        loop=Loops.asyncio,
        websockets=False,
        log_level=LogLevels.error,
        log_access=False,
        respawn_failed_workers=True,
        workers_kill_timeout=int(PATIENCE),
        reload=plan.reload,
        reload_ignore_worker_failure=True,
        reload_paths=[root / folder for folder in WATCHED] if plan.reload else None,
    )


def on_change(act: Callable[[], None], done: threading.Event) -> None:
    """Act whenever the code of the functions, the shared layer or this tool changes."""
    from watchfiles import PythonFilter
    from watchfiles import watch as changes

    folders: list[Path] = [apps.ROOT / folder for folder in WATCHED]
    for _ in changes(*folders, watch_filter=PythonFilter(), stop_event=done):
        act()
