"""The shop under a history, with what is done to it: its processes are known by the pids that the stack recorded.

A web server and its bridge are this run's own children. Nothing else on the machine is touched.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import Any

import psutil

from bench.checkout.shop import Unexpected
from bench.serving import WITH_US, end
from souk.stages import LOCAL, SERVE
from souk_cli import connections
from souk_local import layout, processes, redis, stack
from souk_local.patience import until

SOUK = Path(sys.executable).with_name("souk")
WORKER, BRIDGE, WEB, LOCALSTACK = "worker", "bridge", "web", "localstack"
OF_SERVE: Mapping[str, str] = {WORKER: "souk_cli.bridge.worker", BRIDGE: "bridge", WEB: "spawn_main"}
"""By program: a word of the command of each process that the web server starts for it."""
OF_FUNCTIONS = "launch.py"  # of the command of each process that LocalStack runs a function in
STARTED_WITHIN = 90.0
AWAY = (0.0, 6.0)  # seconds, at least and at most, until something that was killed is started again


class Rig(ABC):
    """This checkout's stack, with the shop on it."""

    door: str
    """The part of the layout where the shop answers."""

    def __init__(self) -> None:
        """Use this checkout's stack."""
        self.stack = stack.here()

    @property
    def base(self) -> str:
        """Where the shop answers."""
        return f"http://{layout.LOOPBACK}:{self.stack.site.port(self.door)}"

    @abstractmethod
    def programs(self, part: str) -> list[psutil.Process]:
        """Return the processes that a part of the shop consists of, each of which can be killed alone."""

    @abstractmethod
    def bring_back(self, part: str, lost: Sequence[psutil.Process]) -> None:
        """See that something is in the place of what was killed of a part; these were there before."""

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

    def redis_primary(self) -> str:
        """Return the name of the node that the sentinels take for the primary."""
        return until(lambda: redis.primary(self.stack.site), "a primary", within=STARTED_WITHIN)

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


class Served(Rig):
    """The shop of a `souk serve` that is ours, which starts again by itself what ends."""

    door = "serve"

    def __init__(self, served: subprocess.Popen[bytes]) -> None:
        """Use the web server that we started."""
        super().__init__()
        self._served = served

    def programs(self, part: str) -> list[psutil.Process]:
        """Return those of the web server's processes."""
        return _descended(psutil.Process(self._served.pid), OF_SERVE[part])

    def bring_back(self, part: str, lost: Sequence[psutil.Process]) -> None:
        """Wait until another one is there."""
        until(lambda: set(self.programs(part)) - set(lost), f"another {part}", within=STARTED_WITHIN)
        if part != WEB:
            _answered(self.stack.site.port("bridge"), "/status")


class Deployed(Rig):
    """The shop that is deployed on LocalStack, whose operator starts again what ends."""

    door = "gateway"

    def programs(self, part: str) -> list[psutil.Process]:
        """Return recorded processes, and those that functions run in."""
        return _descended(self.main(LOCALSTACK), OF_FUNCTIONS) if part == WORKER else [self.main(part)]

    def bring_back(self, part: str, lost: Sequence[psutil.Process]) -> None:
        """Start it as an operator does; LocalStack starts processes of functions by itself, when it needs one."""
        del lost
        if part != WORKER:
            self.up()

    def up(self) -> None:
        """Bring up what does not run. Raises Unexpected."""
        settings = {"SOUK_STAGE", *connections.local()}  # of ours, not of whoever starts a stack
        environment = {name: value for name, value in os.environ.items() if name not in settings}
        done = subprocess.run([SOUK, "up"], env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unexpected(f"souk up failed:\n{done.stdout}{done.stderr}")


def kill(whom: Sequence[psutil.Process]) -> None:
    """End processes as a power cut would."""
    for one in whom:
        with suppress(psutil.NoSuchProcess):
            os.kill(one.pid, signal.SIGKILL)


def away(dice: Random) -> None:
    """Let something that was killed be away for a while."""
    time.sleep(dice.uniform(*AWAY))


def halt(whom: Sequence[psutil.Process], *, go_on: bool = False) -> None:
    """Let processes stand still, or go on."""
    for one in whom:
        with suppress(psutil.NoSuchProcess):
            os.kill(one.pid, signal.SIGCONT if go_on else signal.SIGSTOP)


@contextmanager
def serving() -> Iterator[Served]:
    """Serve on this checkout's stack."""
    place = layout.find()
    if answers(f"http://127.0.0.1:{place.port('serve')}/order/health"):
        raise Unexpected("somebody serves already: chaos needs a server that is its own; end that one first")
    if stack.here().well("bridge") and place.deployed.exists():
        raise Unexpected("LocalStack's bridge runs, which shares the work; `souk down bridge` first")
    with place.log("chaos-serve").open("wb") as log:
        served = subprocess.Popen([*WITH_US, SOUK, "serve"], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        for service in ("admin", "customer", "product", "cart", "order"):
            _answered(place.port("serve"), f"/{service}/health")
        _answered(place.port("bridge"), "/status")
        yield Served(served)
    finally:
        with suppress(subprocess.TimeoutExpired):
            end(served, within=STARTED_WITHIN)


@contextmanager
def deployed() -> Iterator[Deployed]:
    """Use what is deployed on this checkout's LocalStack."""
    there = Deployed()
    if not there.stack.layout.deployed.exists():
        raise Unexpected("nothing is deployed on LocalStack; `make deploy` does that")
    there.up()
    yield there


HOMES: Mapping[str, Callable[[], AbstractContextManager[Rig]]] = {SERVE: serving, LOCAL: deployed}
"""By deployment: how the shop is brought up there."""


def _answered(port: int, path: str) -> None:
    """Wait until somebody answers at a port of this machine."""
    address = f"http://{layout.LOOPBACK}:{port}{path}"
    until(lambda: answers(address), f"an answer from {address}", within=STARTED_WITHIN)


def answers(address: str) -> bool:
    """Tell whether somebody answers there."""
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - an address of our own
            return bool(answer.status == 200)
    except OSError:
        return False


def _descended(whom: psutil.Process, word: str) -> list[psutil.Process]:
    """Return those of the processes that one has started whose command has a word."""
    return [one for one in whom.children(recursive=True) if any(word in part for part in _words(one))]


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _nothing(_: str, __: str) -> None:
    """Say nothing."""
