"""The two ways in which the test stack answers HTTP: `souk serve`, and LocalStack behind the local gateway."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import httpx
from bench.serving import WITH_US, end

from souk_local import layout
from souk_local.logs import last_of
from souk_local.patience import until
from souk_local.services import SERVICES

ROOT = Path(__file__).resolve().parents[1]
SOUK = Path(sys.executable).with_name("souk")
STARTED = 180.0  # seconds that a web server may take to start; a few as a rule
CARRIED = 90.0  # seconds that web server and bridge, one after the other, may take to finish what they do


class Deployment(NamedTuple):
    """Where a deployment answers, and what it wrote last."""

    name: str
    base: str
    log: Callable[[], str]


def environment(without: Mapping[str, str]) -> dict[str, str]:
    """Return what `souk` is started with: it finds the settings of the test stack itself."""
    return {name: value for name, value in os.environ.items() if name not in {*without, "SOUK_STAGE"}}


def souk(*words: str, without: Mapping[str, str]) -> str:
    """Run a `souk` command as a user would, who has no settings in the environment."""
    run = subprocess.run(
        [SOUK, *words], cwd=ROOT, env=environment(without), text=True, capture_output=True, timeout=590, check=False
    )
    assert run.returncode == 0, f"souk {' '.join(words)} failed:\n{run.stdout}\n{run.stderr}"
    return run.stdout


def answers(address: str) -> bool:
    """Tell whether somebody says yes there."""
    try:
        return httpx.get(address, timeout=10).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False


def port(name: str) -> int:
    """Return a port of the test stack."""
    return layout.find().port(name)


@contextmanager
def serving(stores: Mapping[str, str]) -> Iterator[Deployment]:
    """Serve without LocalStack; its bridge rests meanwhile, so that the two don't share the work."""
    souk("down", "bridge", without=stores)
    log = layout.find().log("serve")
    with log.open("wb") as out:
        argv = [*WITH_US, str(SOUK), "serve"]
        process = subprocess.Popen(argv, cwd=ROOT, env=environment(stores), stdout=out, stderr=out)
    deployment = Deployment("serve", f"http://127.0.0.1:{port('serve')}", lambda: "\n".join(last_of(log, 40)))
    try:
        for service in SERVICES:
            where = f"{deployment.base}/{service}/health/ready"
            until(lambda where=where: answers(where), f"{where}\n{deployment.log()}", within=STARTED)  # type: ignore[misc]  # the loop's own address
        until(lambda: answers(f"http://127.0.0.1:{port('bridge')}/status"), "the bridge of serve", within=STARTED)
        yield deployment
    finally:
        end(process, within=CARRIED)


@contextmanager
def deployed(stores: Mapping[str, str]) -> Iterator[Deployment]:
    """Deploy to LocalStack; its bridge ends afterwards, so that others find the stores to themselves."""
    souk("up", without=stores)
    souk("deploy", "--stage", "local", without=stores)
    souk("up", without=stores)
    try:
        yield Deployment("local", f"http://127.0.0.1:{port('gateway')}", lambda: _written("localstack", "bridge"))
    finally:
        souk("down", "bridge", without=stores)


def _written(*parts: str) -> str:
    return "\n".join(line for part in parts for line in [f"{part}:", *last_of(layout.find().log(part), 25)])
