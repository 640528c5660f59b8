"""`souk serve` of a checkout, for as long as something is asked of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.wire import CannotGoOn, Client, NoAnswer
from souk_local.patience import keep_looking

READY = ENDING = 60.0  # seconds
GLANCE = 0.2
# What is started by this ends with whoever started it, however that ends: it would keep its ports, and be at the stores.
WITH_US = ("/usr/bin/setpriv", "--pdeathsig", "KILL")
ASKED = ("/cart/health/ready", "/order/health/ready", "/product/health")  # it sells without search and graph


@contextmanager
def serving(address: str, *, tree: Path, environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Serve the checkout in `tree` at an address, writing to `log`. Raises CannotGoOn when it does not get ready."""
    argv = [*WITH_US, sys.executable, "-m", "souk_cli.main", "serve"]
    with log.open("ab") as out:
        process = subprocess.Popen(argv, cwd=tree, env=dict(environment), stdout=out, stderr=out)
    try:
        _await(process, address, log)
        yield
    finally:
        end(process, within=ENDING)


def end(process: subprocess.Popen[bytes], *, within: float) -> None:
    """End a web server in order, and wait until nothing that it has started has a port any more.

    Raises TimeoutExpired when it had to be killed.
    """
    started = family(process)
    process.terminate()
    try:
        process.wait(within)
    finally:
        process.kill()
        process.wait()
        keep_looking(lambda: all_gone(started), within=within, pause=GLANCE)


def family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return what a process has started, and what that has."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def all_gone(processes: Sequence[psutil.Process]) -> bool:
    """Tell whether none of them runs; one that only waits to be noticed as dead does not."""
    return not any(map(_runs, processes))


def end_of(log: Path) -> str:
    """Return what was written last."""
    return log.read_text(errors="replace")[-2000:]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _await(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    with Client(address) as client:
        keep_looking(lambda: _ready(client) or process.poll() is not None, within=READY, pause=GLANCE)
        if not _ready(client):
            raise CannotGoOn(f"nothing is served at {address}:\n{end_of(log)}")


def _ready(client: Client) -> bool:
    try:
        return all(client.ask("GET", one).status == 200 for one in ASKED)
    except NoAnswer:
        return False
