"""The stack under a history, with what is done to it: its processes are known by the pids that the stack recorded.

The web server and its bridge are this run's own children. Nothing else on the machine is touched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from bench.checkout.shop import Unexpected
from souk_local import layout, processes, redis, stack

SOUK = Path(sys.executable).with_name("souk")
WORKER, BRIDGE, WEB = "souk_cli.bridge.worker", "bridge", "spawn_main"
STARTED_WITHIN = 90.0
GLANCE = 0.05
PARTS = ("postgres", "redis", "mongo", "rabbitmq")


class Rig:
    """A local stack and a `souk serve` on it."""

    def __init__(self, served: subprocess.Popen[bytes] | None = None) -> None:
        """Use this checkout's stack; `served` is the web server that we started, if we did."""
        self.stack = stack.here()
        self.served = served

    def start(self, part: str) -> None:
        """Start what does not run of a part of the stack, and wait until it answers."""
        self.stack.start([part], say=_nothing)

    def main(self, process: str) -> psutil.Process:
        """Return the recorded process of a name. Raises Unexpected when it does not run."""
        record = processes.record_of(self.stack.layout, process)
        if record is None:
            raise Unexpected(f"{process} does not run")
        return psutil.Process(record.pid)

    def family(self, process: str) -> list[psutil.Process]:
        """Return a recorded process and all that it has started."""
        main = self.main(process)
        return [main, *main.children(recursive=True)]

    def of_serve(self, word: str) -> list[psutil.Process]:
        """Return those of the web server's processes whose command has this word."""
        if self.served is None:
            raise Unexpected("nothing is served by this run")
        family = psutil.Process(self.served.pid).children(recursive=True)
        return [one for one in family if any(word in part for part in _words(one))]

    def redis_primary(self) -> str:
        """Return the name of the node that the sentinels take for the primary."""
        return str(until(lambda: redis.primary(self.stack.site), "a primary"))

    def redis(self, node: str) -> Any:
        """Return a client of one node."""
        import redis as driver

        password = self.stack.site.credentials.password("redis")
        return driver.Redis(port=self.stack.site.port(node), password=password, decode_responses=True, socket_timeout=5)

    def redis_well(self) -> bool:
        """Tell whether there is one primary that all replicas follow."""
        from souk_local.ready import NotReady

        try:
            redis.probe(self.stack.site)
        except NotReady:
            return False
        return True


def kill(whom: Sequence[psutil.Process]) -> None:
    """End processes as a power cut would."""
    for one in whom:
        with suppress(psutil.NoSuchProcess):
            os.kill(one.pid, signal.SIGKILL)


def halt(whom: Sequence[psutil.Process], *, go_on: bool = False) -> None:
    """Let processes stand still, or go on."""
    for one in whom:
        with suppress(psutil.NoSuchProcess):
            os.kill(one.pid, signal.SIGCONT if go_on else signal.SIGSTOP)


def until(look: Callable[[], Any], what: str, *, within: float = STARTED_WITHIN) -> Any:
    """Wait until there is something, and return it. Raises Unexpected."""
    end = time.monotonic() + within
    while not (found := look()):
        if time.monotonic() > end:
            raise Unexpected(f"waited {within:.0f} s in vain for {what}")
        time.sleep(GLANCE)
    return found


@contextmanager
def serving() -> Iterator[Rig]:
    """Serve on this checkout's stack."""
    place = layout.find()
    if answers(f"http://127.0.0.1:{place.port('serve')}/order/health"):
        raise Unexpected("somebody serves already: chaos needs a server that is its own; end that one first")
    with place.log("chaos-serve").open("wb") as log:
        served = subprocess.Popen([SOUK, "serve"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        for service in ("admin", "customer", "product", "cart", "order"):
            until(lambda where=f"/{service}/health": answers(f"http://127.0.0.1:{place.port('serve')}{where}"), service)  # type: ignore[misc]  # the loop's own
        until(lambda: answers(f"http://127.0.0.1:{place.port('bridge')}/status"), "the bridge")
        yield Rig(served)
    finally:
        served.terminate()
        try:
            served.wait(STARTED_WITHIN)
        except subprocess.TimeoutExpired:
            served.kill()


def answers(address: str) -> bool:
    """Tell whether somebody answers there."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - an address of our own
            return bool(answer.status == 200)
    except OSError:
        return False


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _nothing(_: str, __: str) -> None:
    """Say nothing."""
