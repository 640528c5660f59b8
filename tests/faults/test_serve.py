"""`souk serve` as a process: it answers, gives events to the functions, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from bench.serving import WITH_US, all_gone, family
from deployments import STARTED

from souk import records
from souk.clock import utcnow
from souk.events import Event, Fact
from souk.ids import new_id
from souk.postgres import Database
from souk_local import layout
from souk_local.patience import until

pytestmark = [pytest.mark.stores, pytest.mark.fault, pytest.mark.timeout(180, func_only=True)]
WORKER = "souk_cli.bridge.worker"
SOUK = Path(sys.executable).with_name("souk")


class Changed(Fact, frozen=True):
    """Stock, as the order service tells it."""

    TYPE = "stock.changed"
    sku: str
    location: str = "default"
    on_hand: int = 1
    reserved: int = 0
    available: int = 1


def asked(name: str, path: str) -> Any:
    """Return what a page says; nothing where nobody answers."""
    where = f"http://127.0.0.1:{layout.find().port(name)}{path}"
    try:
        with urllib.request.urlopen(where, timeout=5) as answer:
            return json.load(answer)
    except (OSError, urllib.error.URLError):
        return None


@pytest.fixture
def serve(stores: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    environment = {name: value for name, value in os.environ.items() if name not in stores}
    with subprocess.Popen([*WITH_US, SOUK, "serve"], env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: asked("serve", "/order/health") is not None, within=STARTED)
            until(lambda: asked("bridge", "/status") is not None, within=STARTED)
            until(lambda: consumers_of(process), within=STARTED)
            yield process
        finally:
            left = family(process)
            process.kill()
            until(lambda: all_gone(left))  # one that only does not answer any more may still have the port


def consumers_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    return [one for one in family(process) if WORKER in words_of(one)]


def words_of(process: psutil.Process) -> list[str]:
    """Return the command line of a process; nothing of one that has just ended."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def forwarded(consumer: str) -> int:
    state = asked("bridge", "/status")
    return int(state["consumers"][consumer]["forwarded"]) if state else 0


def test_an_event_takes_effect_without_any_aws(serve: subprocess.Popen[bytes]) -> None:
    before = forwarded("cart-stock")
    sku = f"sku-{new_id()}"
    with Database("order").transaction() as tx:
        records.add_events(tx, Event.of(Changed(sku=sku), aggregate=sku, version=1, now=utcnow()))
    until(lambda: forwarded("cart-stock") > before)
    until(lambda: asked("bridge", "/status")["latency"]["count"] > 0)


def test_it_ends_in_order_and_leaves_nothing_behind(serve: subprocess.Popen[bytes]) -> None:
    processes = family(serve)
    serve.send_signal(signal.SIGTERM)
    assert serve.wait(60) == 0
    until(lambda: all_gone(processes))


def test_killed_it_leaves_nothing_behind_either(serve: subprocess.Popen[bytes]) -> None:
    processes = family(serve)
    serve.kill()
    until(lambda: all_gone(processes))


def test_a_dead_consumer_is_started_again(serve: subprocess.Popen[bytes]) -> None:
    [worker] = consumers_of(serve)
    worker.kill()
    until(lambda: consumers_of(serve) not in ([], [worker]))


def test_a_dead_bridge_is_started_again(serve: subprocess.Popen[bytes]) -> None:
    [bridge] = [one for one in family(serve) if "bridge" in words_of(one)]
    bridge.kill()
    until(lambda: any("bridge" in words_of(one) for one in family(serve) if one != bridge))
    before = forwarded("cart-stock")
    sku = f"sku-{new_id()}"
    with Database("order").transaction() as tx:
        records.add_events(tx, Event.of(Changed(sku=sku), aggregate=sku, version=1, now=utcnow()))
    until(lambda: forwarded("cart-stock") > before)


def test_a_taken_port_is_said_to_be_taken(serve: subprocess.Popen[bytes]) -> None:
    second = subprocess.run([SOUK, "serve"], capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert "is taken by process" in second.stderr
