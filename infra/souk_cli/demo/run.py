"""The demonstration from nothing to a summary: stack, deployment, data, journey, events."""

from __future__ import annotations

import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from souk.errors import Refused
from souk.stages import LOCAL
from souk_cli import connections, traffic
from souk_cli.bridge.statistics import percentiles
from souk_cli.demo.journey import Journey, Owner
from souk_cli.demo.shop import Shop
from souk_local import layout
from souk_local.errors import StackError

QUIET = 120.0  # seconds that the events of the journey may take


class Stages:
    """Tells what is being done, and keeps how long each part took."""

    def __init__(self, console: Console) -> None:
        """Write to `console`."""
        self.console = console
        self.took: list[tuple[str, float]] = []

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Time a part of the demonstration."""
        self.console.rule(f"[bold]{name}", align="left")
        began = time.monotonic()
        yield
        self.took.append((name, time.monotonic() - began))


def demonstrate(console: Console, *, base: str | None, seed: bool) -> None:
    """Do all of it; with `base` only the journey, against a shop that runs already."""
    stages, place = Stages(console), layout.find()
    if base is None:
        with stages.part("Local stack"):
            _up(console)
        with stages.part("Deployment"):
            _deploy()
            _up(console, quiet=True)  # the bridge, which needed something to carry events to
    if seed:
        with stages.part("Real shopping data"):
            _seed(console)
    connections.adopt(only=lambda _: True, aws=True)
    shop = Shop(base or f"http://127.0.0.1:{place.port('gateway')}")
    before = traffic.status()
    with stages.part(f"A journey through {shop.base}"):
        Journey(shop, _owner(shop, place.state / "demo.json"), _Steps(console)).play()
    with stages.part("The events that passed, and where they went"):
        _show_events(console, before)
    _summary(console, stages, shop, place)


def _up(console: Console, *, quiet: bool = False) -> None:
    from souk_cli import deploy
    from souk_local import stack

    whole = stack.here()
    names = whole.parts(())
    if whole.settled(names):
        if not quiet:
            console.print("everything is up already")
        return
    for name in whole.up(names, redeploy=deploy.redeploy, say=stack.Progress(console.print)):
        console.print(f"[yellow]without {name}; the services work in their degraded way")


def _deploy() -> None:
    done = subprocess.run([sys.executable, "-m", "souk_cli.main", "deploy", "--stage", LOCAL], check=False)
    if done.returncode:
        raise StackError("not everything was deployed (see above)")


def _seed(console: Console) -> None:
    from souk_cli.seed.run import seed

    console.print(seed("sample", console))


def _shown(path: Path, place: layout.Layout) -> str:
    """Return a path as people find it in the checkout, where it can be found there."""
    inside = place.root / ".souk"
    return (
        str(Path(".souk") / path.relative_to(inside.resolve())) if path.is_relative_to(inside.resolve()) else str(path)
    )


def _owner(shop: Shop, file: Path) -> Owner:
    """Return the owner made for the demonstration; the password is random and kept for this user only."""
    if file.exists():
        kept = msgspec.json.decode(file.read_bytes(), type=Owner)
        wish = {"email": kept.email, "password": kept.password}
        if shop.ask("POST", "/admin/sessions", wish).status == 201:  # noqa: PLR2004 - Created
            return kept
    made = _new_owner()
    file.touch(mode=0o600)
    file.write_bytes(msgspec.json.encode(made))
    return made


def _new_owner() -> Owner:
    """Make one; data that was removed, or brought from elsewhere, may or may not have an owner of that name."""
    from souk_cli import owner

    made = Owner("owner@souk.example", secrets.token_urlsafe(18))
    try:
        owner.create(made.email, "The owner", made.password)
    except Refused:
        made = Owner(f"owner-{secrets.token_hex(4)}@souk.example", made.password)
        owner.create(made.email, "The owner", made.password)
    return made


class _Steps:
    """Prints the steps of the journey, numbered."""

    def __init__(self, console: Console) -> None:
        self._console, self._number = console, 0

    def __call__(self, asked: str, told: str, seconds: float) -> None:
        """Print one."""
        self._number += 1
        line = f"{self._number:>3}  {seconds * 1000:6.0f} ms  {asked:<38} {told}"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def _show_events(console: Console, before: dict[str, Any]) -> None:
    with console.status("") as spinner:
        settled = traffic.settle(lambda left: spinner.update(f"{left} events on their way"), patience=QUIET)
    if not settled:
        console.print("[yellow]some events are still on their way")
    after = traffic.status()
    table = Table("consumer", "takes", "events", box=None, pad_edge=False)
    for one in traffic.given(before, after):
        table.add_row(one.consumer, ", ".join(one.types), str(one.events))
    console.print(table)
    passed = sum(one.events for one in traffic.given(before, after))
    took = percentiles(after["latency"]["recent"][-passed:] if passed else [])
    console.print(
        f"these {took.count} reached their function's queue in {took.p50_ms} ms from their commit (median),"
        f" 95% of them within {took.p95_ms} ms"
    )


def _summary(console: Console, stages: Stages, shop: Shop, place: layout.Layout) -> None:
    console.rule("[bold]Summary", align="left")
    table = Table("part", "seconds", box=None, pad_edge=False)
    for name, seconds in stages.took:
        table.add_row(name, f"{seconds:.1f}")
    console.print(table)
    console.print(f"{shop.requests} requests, {shop.spent / max(shop.requests, 1) * 1000:.0f} ms each on average")
    addresses = Table("open", "address", box=None, pad_edge=False)
    addresses.add_row("the shop's API", f"{shop.base}/product/search?q=chocolate")
    addresses.add_row("API reference", f"{shop.base}/docs/")
    addresses.add_row(
        "RabbitMQ",
        f"http://127.0.0.1:{place.port('rabbitmq-management')}/ (user and password: BRIDGE_RABBIT_URL of souk env --settings)",
    )
    addresses.add_row("bridge", f"http://127.0.0.1:{place.port('bridge')}/status")
    console.print(addresses)
    console.print(
        f"The owner's password lies in {_shown(place.state / 'demo.json', place)}. `make down` stops the stack."
    )
