"""`python -m bench`: all proofs and measurements on `souk serve`, one after the other, with one table at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import click

from bench import table
from bench.browsing.__main__ import addresses, collected, looking
from bench.checkout import buyers, clicks, speed
from bench.checkout.buyers import Crowd
from bench.checkout.shop import on_sale
from bench.load import Load
from bench.serving import serving
from bench.table import Row
from bench.wire import CannotGoOn
from souk.stages import SERVE
from souk_cli import connections, traffic
from souk_local import layout
from souk_local.patience import InVain

STORES = ("postgres", "redis", "mongo", "rabbitmq", "search", "graph")
CLIENTS, SECONDS = 8, 8.0
AT_ONCE, CLICKS, SKUS = 32, 50, 10
SETTLED = 600.0  # seconds that events of data just loaded may take


def souk(*words: str) -> None:
    """Run a `souk` command. Raises CannotGoOn where it fails."""
    done = subprocess.run([sys.executable, "-m", "souk_cli.main", *words], cwd=layout.checkout(), check=False)
    if done.returncode:
        raise CannotGoOn(f"souk {' '.join(words)} failed")


def looked_around(load: Load) -> Iterator[Row]:
    """Measure looking around."""
    return (looking(load, what, where) for what, where in addresses(collected(load.base)).items())


def shopped(load: Load) -> Iterator[Row]:
    """Measure carts and checkouts."""
    goods = on_sale(load.base, speed.VARIETY, stock=speed.PLENTY)
    return speed.measured(load, goods)


def competed(load: Load) -> Iterator[Row]:
    """Let buyers compete."""
    crowd = Crowd(buyers=200, units=20, at_once=AT_ONCE)
    wave = buyers.compete(load.base, crowd)
    yield wave.row()
    yield buyers.deliver_again(load.base, wave)


def competed_otherwise(load: Load) -> Iterator[Row]:
    """Let buyers compete for several SKUs at once, and for a voucher."""
    for crowd in (
        Crowd(buyers=200, units=20, at_once=AT_ONCE, skus=SKUS),
        Crowd(buyers=200, units=20, at_once=AT_ONCE, voucher=True),
    ):
        yield buyers.compete(load.base, crowd).row()


def clicked(load: Load) -> Iterator[Row]:
    """Submit carts many times at once."""
    [one] = on_sale(load.base, 1, stock=clicks.UNITS * len(clicks.KEYS))
    return (clicks.submit_often(load.base, one, name, CLICKS) for name in clicks.KEYS)


PARTS = (looked_around, shopped, competed, competed_otherwise, clicked)


def rows(load: Load) -> Iterator[Row]:
    """Do one part after the other, first what is measured; one that cannot be finished ends no other."""
    for part in PARTS:
        try:
            yield from part(load)
        except (CannotGoOn, InVain) as error:
            what = (part.__doc__ or "").rstrip(".")
            yield Row(what=what, done=0, outcome="not finished", violations=(str(error),), seconds=0.0)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@table.as_json
def bench(*, as_json: bool) -> None:
    """Start the stores, load the sample, serve, and run every proof and measurement on it.

    The stack stays up; what is served ends. The bridge of LocalStack rests, so that the two don't share the work.
    """
    souk("up", *STORES)
    souk("down", "bridge")
    souk("migrate")
    souk("seed", "--size", "sample")
    connections.adopt(SERVE, only=connections.of_both)
    base, log = table.served(), layout.find().log("bench-serve")
    with serving(base, tree=layout.checkout(), environment=os.environ, log=log):
        click.echo("waiting until the events of the data have arrived")
        if not traffic.settle(lambda _: None, patience=SETTLED):
            raise CannotGoOn(f"after {SETTLED:.0f} s events still travel")
        load = Load(base=base, clients=CLIENTS, seconds=SECONDS)
        table.tell(list(_told(rows(load))), as_json=as_json)


def _told(found: Iterator[Row]) -> Iterator[Row]:
    """Say what was done as soon as it was, as the table comes last."""
    for row in found:
        click.echo(f"{row.what}: {row.outcome}", err=True)
        yield row


if __name__ == "__main__":
    table.run(bench, "bench")
