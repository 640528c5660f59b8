"""Random shoppers in small, also while things are killed: whatever they were told is so in every store."""

from collections.abc import Iterator, Sequence
from random import choice

import psutil
import pytest
from bench.checkout import chaos, history, rig
from bench.checkout.history import History, Size
from bench.checkout.journal import Journal
from bench.checkout.plan import plan
from bench.checkout.rig import Rig
from bench.checkout.shopping import Progress, Shop, shop_all
from bench.table import Row
from deployments import Deployment, deployed

pytestmark = [pytest.mark.stores, pytest.mark.fault, pytest.mark.timeout(580)]
SEED = 31
KILLS = ("messages mixed", "redis parted", "kill postgres", "kill bridge")
ENVIRONMENT = "awslambdaric"


@pytest.fixture
def served(stores: dict[str, str]) -> Iterator[Rig]:
    with rig.serving() as there:
        yield there


@pytest.fixture
def local(stores: dict[str, str]) -> Iterator[Deployment]:
    with deployed(stores) as deployment:
        yield deployment


def base_of(there: Rig) -> str:
    return f"http://127.0.0.1:{there.stack.site.port('serve')}"


def violations(rows: Sequence[Row]) -> list[str]:
    return [one for row in rows for one in row.violations]


def test_what_random_shoppers_were_told_is_so_in_every_store(served: Rig) -> None:
    size = Size(operations=400, threads=6, seed=SEED)
    with history.opened(base_of(served), size, Journal()) as shop:
        happened = history.happen(shop, size, Progress())
        verdict = history.judged(happened, aside=history.idle_queues(), tell=history.quiet)
    assert verdict.violations == ()
    assert verdict.counts["orders"] > 0


def test_nothing_acknowledged_is_lost_while_everything_is_killed(served: Rig) -> None:
    size = Size(operations=chaos.ENOUGH, threads=4, seed=SEED)
    rows = chaos.run(base_of(served), served, size, troubles=KILLS, journal=Journal())
    assert violations(rows) == []


def test_the_same_on_localstack_where_a_function_is_killed(local: Deployment) -> None:
    size = Size(operations=60, threads=3, seed=SEED)
    with history.opened(local.base, size, Journal()) as shop:
        happened = History(size=size, shop=shop, shoppers=[])
        first, *rest = plan(size.seed, size.operations)
        for visits in ([first], rest):
            shop_all(shop, visits, threads=3, progress=Progress(), shoppers=happened.shoppers)
            kill_a_function(shop)
        verdict = history.judged_in_time(happened, aside=history.idle_queues(), within=120)
    assert verdict.violations == ()


def kill_a_function(shop: Shop) -> None:
    """Kill one of the processes in which LocalStack runs functions."""
    localstack = Rig().main("localstack")
    running = [one for one in localstack.children(recursive=True) if ENVIRONMENT in words_of(one)]
    assert running, "no function runs"
    rig.kill([choice(running)])  # noqa: S311 - any of them


def words_of(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""
