"""Random shoppers in small, also while things are killed: whatever they were told is so in every store."""

from collections.abc import Iterator, Sequence

import pytest
from bench.checkout import chaos, history, rig
from bench.checkout.history import Size
from bench.checkout.journal import Journal
from bench.checkout.rig import Rig
from bench.checkout.shopping import Progress
from bench.table import Row

pytestmark = [pytest.mark.stores, pytest.mark.fault, pytest.mark.timeout(580, func_only=True)]
SEED = 31
KILLS = ("messages mixed", "redis parted", "kill postgres", "kill bridge")


@pytest.fixture
def served(stores: dict[str, str]) -> Iterator[Rig]:
    with rig.serving() as there:
        yield there


def violations(rows: Sequence[Row]) -> list[str]:
    return [one for row in rows for one in row.violations]


def test_what_random_shoppers_were_told_is_so_in_every_store(served: Rig) -> None:
    size = Size(operations=400, threads=6, seed=SEED)
    with history.opened(served.base, size, Journal()) as shop:
        happened = history.happen(shop, size, Progress())
        verdict = history.judged(happened, aside=history.idle_queues(), tell=history.quiet)
    assert verdict.violations == ()
    assert verdict.counts["orders"] > 0


def test_nothing_acknowledged_is_lost_while_everything_is_killed(served: Rig) -> None:
    size = Size(operations=chaos.ENOUGH, threads=4, seed=SEED)
    rows = chaos.run(served, size, happening=KILLS, journal=Journal())
    assert violations(rows) == []
