"""`souk serve` of a checkout, for as long as something is asked of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.wire import CannotGoOn, Client, NoAnswer
from souk_local.patience import keep_looking

READY = ENDING = 60.0  # seconds
GLANCE = 0.2
ASKED = ("/cart/health/ready", "/order/health/ready", "/product/health")  # it sells without search and graph


@contextmanager
def serving(address: str, *, tree: Path, environment: Mapping[str, str], log: Path) -> Iterator[None]:
    """Serve the checkout in `tree` at an address, writing to `log`. Raises CannotGoOn when it does not get ready."""
    argv = [sys.executable, "-m", "souk_cli.main", "serve"]
    with log.open("ab") as out:
        process = subprocess.Popen(argv, cwd=tree, env=dict(environment), stdout=out, stderr=out)
    try:
        _await(process, address, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(ENDING)
        finally:
            process.kill()
            process.wait()


def end_of(log: Path) -> str:
    """Return what was written last."""
    return log.read_text(errors="replace")[-2000:]


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
