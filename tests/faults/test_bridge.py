"""Whatever is killed between a commit and its effect, every event takes effect once."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

import pytest

from souk import records
from souk.clock import utcnow
from souk.events import Event, Fact
from souk.postgres import Database
from souk_cli.bridge import topology
from souk_cli.bridge.topology import Line
from souk_local.patience import until

pytestmark = [pytest.mark.stores, pytest.mark.fault, pytest.mark.timeout(180)]
SOUK = Path(sys.executable).with_name("souk")
TOY = Path(__file__).with_name("toy_bridge.py")
LINE = Line(consumer="toy", types=("toy.happened",))
MANY = 1_200
MAKE_EFFECTS = """
    CREATE TABLE toy_effects (event_id uuid NOT NULL, at timestamptz NOT NULL DEFAULT now())
"""
COUNT_EFFECTS = "SELECT count(*) AS effects, count(DISTINCT event_id) AS events FROM toy_effects"


class Happened(Fact, frozen=True):
    TYPE = "toy.happened"
    poison: bool = False


class Shop:
    """Writes events, and counts the effects that they had."""

    def __init__(self) -> None:
        self.database = Database("order")

    def write(self, number: int, *, poison: bool = False) -> None:
        facts = [Happened(poison=poison)] * number
        with self.database.transaction() as tx:
            events = [Event.of(fact, aggregate="toy", version=1, now=utcnow()) for fact in facts]
            records.add_events(tx, *events)

    def effects(self) -> tuple[int, int]:
        with self.database.reading() as session:
            found = session.one(COUNT_EFFECTS) or {}
            return found["effects"], found["events"]

    def wait_for(self, number: int) -> None:
        until(lambda: self.effects()[1] >= number)


@pytest.fixture
def shop(stores: dict[str, str]) -> Iterator[Shop]:
    owner = Database("order", "OWNER_DATABASE_URL")
    remove_queues(stores["BRIDGE_RABBIT_URL"])
    with owner.transaction() as tx:
        tx.run("DROP TABLE IF EXISTS toy_effects")
        tx.run("DELETE FROM outbox WHERE type = 'toy.happened'")
        tx.run(MAKE_EFFECTS)
    yield Shop()
    with owner.transaction() as tx:
        tx.run("DROP TABLE toy_effects")
        tx.run("DELETE FROM event_claims WHERE consumer = 'toy'")
    remove_queues(stores["BRIDGE_RABBIT_URL"])


def remove_queues(url: str) -> None:
    with topology.connected(url) as connection:
        for queue in (LINE.queue, LINE.dead_queue):
            connection.channel().queue_delete(queue)


class Running(NamedTuple):
    """A bridge and what it logs, a line for each event: into a file, as a pipe that nobody reads would stop it."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def ended(self) -> str:
        """Tell it to end, and return what it has logged."""
        self.process.terminate()
        self.process.wait(30)
        self.log.seek(0)
        return self.log.read().decode()


@contextmanager
def bridge() -> Iterator[Running]:
    with (
        tempfile.TemporaryFile() as log,
        subprocess.Popen([sys.executable, str(TOY)], stdin=subprocess.PIPE, stdout=log) as process,
    ):
        try:
            yield Running(process, log)
        finally:
            process.kill()


def test_every_event_takes_effect_once_though_the_bridge_is_killed_again_and_again(shop: Shop) -> None:
    for _ in range(3):
        before = shop.effects()[1]
        with bridge() as running:
            shop.write(MANY)
            until(lambda seen=before: shop.effects()[1] > seen + 50)  # type: ignore[misc]
            running.process.kill()
    with bridge():
        shop.wait_for(3 * MANY)
        shop.write(10)
        shop.wait_for(3 * MANY + 10)
    assert shop.effects() == (3 * MANY + 10, 3 * MANY + 10)


def test_two_bridges_share_the_work_and_nothing_is_done_twice(shop: Shop) -> None:
    with bridge(), bridge():
        for _ in range(10):
            shop.write(MANY // 10)
        shop.wait_for(MANY)
    assert shop.effects() == (MANY, MANY)


def test_events_wait_while_rabbitmq_is_away(shop: Shop) -> None:
    with bridge() as running:
        shop.write(100)
        shop.wait_for(100)
        subprocess.run([SOUK, "down", "rabbitmq"], check=True, capture_output=True)
        try:
            shop.write(MANY)
        finally:
            subprocess.run([SOUK, "up", "rabbitmq"], check=True, capture_output=True)
        shop.wait_for(MANY + 100)
        assert shop.effects() == (MANY + 100, MANY + 100)
        assert "in order" in running.ended()


def test_a_bridge_that_is_told_to_end_finishes_what_it_carries(shop: Shop) -> None:
    with bridge() as running:
        shop.write(MANY)
        until(lambda: shop.effects()[1] > 50)
        assert "in order" in running.ended()
    after = shop.effects()
    with bridge():
        shop.wait_for(MANY)
    assert after[0] == after[1]
    assert shop.effects() == (MANY, MANY)


def test_what_nobody_understands_is_parked_and_holds_up_nothing(shop: Shop, stores: dict[str, str]) -> None:
    url = stores["BRIDGE_RABBIT_URL"]
    with bridge():
        shop.write(1, poison=True)
        shop.write(500)
        shop.wait_for(500)
        until(lambda: topology.depths(url, [LINE])["toy"] == (0, 1))
