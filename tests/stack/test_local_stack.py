"""The local stack's promises, kept by real servers in a home and on ports of their own."""

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import psycopg2
import pytest
from ports import free_base

from souk_local import credentials, layout, native, proc, processes, redis, site, store
from souk_local.layout import Layout
from souk_local.patience import until
from souk_local.processes import Record
from souk_local.stack import Stack

pytestmark = pytest.mark.stack

PARTS = ("postgres", "redis", "rabbitmq", "mongo")
SOUK = Path(sys.executable).with_name("souk")


class Checkout:
    """A stack of the tests' own, worked by the command line as people do."""

    def __init__(self, home: Path) -> None:
        base = free_base(max(layout.OFFSETS.values()) + 1)
        self.environment = {**os.environ, "SOUK_HOME": str(home), "SOUK_PORT_BASE": str(base), "STACK": "native"}
        self.place: Layout = msgspec.structs.replace(layout.find(), state=home, base=base)

    def souk(self, *words: str) -> str:
        done = subprocess.run([SOUK, *words], env=self.environment, text=True, capture_output=True, check=False)
        assert done.returncode == 0, f"souk {' '.join(words)}:\n{done.stdout}{done.stderr}"
        return done.stdout

    def stack(self) -> Stack:
        place = site.Site(layout=self.place, credentials=credentials.load(self.place.credentials))
        return Stack(place, native.NativeEngine(place))

    def pids(self) -> dict[str, Record]:
        names = [process for part in PARTS for process in store.named(part).PROCESSES]
        return {name: record for name in names if (record := processes.record_of(self.place, name))}

    def marked(self) -> list[int]:
        wanted = f"{processes.MARK}={self.place.state}:".encode()
        return [pid for pid in proc.pids() if wanted in proc.environment(pid)]


@pytest.fixture(scope="module")
def checkout() -> Iterator[Checkout]:
    # Beside the test stack, where database users pass through, and where the next run finds what a killed one left.
    home = layout.find().state.with_name("test-stack-alone")
    made = Checkout(home)
    made.souk("reset", "--yes")
    try:
        made.souk("up", *PARTS)
        yield made
    finally:
        made.souk("down")
        shutil.rmtree(home)


def kill(record: Record) -> None:
    processes.tell([record], signal.SIGKILL)
    assert processes.gone([record], 60)


def test_up_twice_does_nothing_and_says_so(checkout: Checkout) -> None:
    before, began = checkout.pids(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    said = checkout.souk("up", *PARTS)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - began < 1  # of work; a busy machine may take longer
    assert "already" in said
    assert checkout.pids() == before


def test_status_tells_what_runs_where(checkout: Checkout) -> None:
    parts = {part["name"]: part for part in json.loads(checkout.souk("status", "--json"))["parts"]}
    assert {name: parts[name]["health"] for name in PARTS} == dict.fromkeys(PARTS, "up")
    assert parts["search"]["health"] == "down"
    assert parts["postgres"]["where"] == [f"pid {checkout.pids()['postgres'].pid}"]
    assert all(parts[name]["memory"] and parts[name]["data"] and parts[name]["version"] for name in PARTS)


def test_a_shell_takes_what_env_prints(checkout: Checkout) -> None:
    told = subprocess.run(
        ["/bin/sh", "-euc", f'eval "$({SOUK} env --settings)"; echo "$AWS_ENDPOINT_URL $ORDER_DATABASE_URL"'],
        env=checkout.environment,
        text=True,
        capture_output=True,
        check=True,
    ).stdout.split()
    found = json.loads(checkout.souk("env", "--settings", "--json"))
    assert told == [found["AWS_ENDPOINT_URL"], found["ORDER_DATABASE_URL"]]


def test_each_role_may_do_what_it_is_for_and_no_more(checkout: Checkout) -> None:
    found = json.loads(checkout.souk("env", "--settings", "--json"))
    with closing(psycopg2.connect(found["ORDER_OWNER_DATABASE_URL"])) as owner, owner, owner.cursor() as run:
        run.execute("CREATE TABLE IF NOT EXISTS promises (kept int)")
    with closing(psycopg2.connect(found["ORDER_DATABASE_URL"])) as app, app, app.cursor() as run:
        run.execute("INSERT INTO promises VALUES (1)")
        run.execute("SHOW statement_timeout")
        assert run.fetchone() == ("5s",)
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            run.execute("DROP TABLE promises")
    with (
        closing(psycopg2.connect(found["ORDER_RELAY_DATABASE_URL"])) as relay,
        relay.cursor() as run,
        pytest.raises(psycopg2.errors.InsufficientPrivilege),
    ):
        run.execute("SELECT * FROM promises")
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(found["ORDER_DATABASE_URL"].replace("souk_order", "souk_cart"))


def test_a_killed_postgres_comes_back_with_its_data_and_the_others_stay(checkout: Checkout) -> None:
    address = json.loads(checkout.souk("env", "--settings", "--json"))["CART_OWNER_DATABASE_URL"]
    with closing(psycopg2.connect(address)) as owner, owner, owner.cursor() as run:
        run.execute("CREATE TABLE kept AS SELECT 'this' AS what")
    before = checkout.pids()
    kill(before["postgres"])
    checkout.souk("up", *PARTS)
    after = checkout.pids()
    assert {name for name in before if before[name] != after[name]} == {"postgres"}
    with closing(psycopg2.connect(address)) as owner, owner.cursor() as run:
        run.execute("SELECT what FROM kept")
        assert run.fetchone() == ("this",)


def test_after_a_failover_up_leaves_one_primary_that_has_the_data(checkout: Checkout) -> None:
    place = checkout.stack().site
    old = place.port(redis.primary(place))
    redis.talk(old, place.credentials.password("redis"), "SET", "kept", "this")
    redis.talk(old, place.credentials.password("redis"), "WAIT", "2", "5000")
    kill(checkout.pids()[next(name for name in redis.NODES if place.port(name) == old)])
    until(lambda: place.port(redis.primary(place)) != old)
    checkout.souk("up", *PARTS)
    password = place.credentials.password("redis")
    roles = {place.port(name): redis.talk(place.port(name), password, "ROLE")[0] for name in redis.NODES}
    assert sorted(map(str, roles.values())) == ["master", "slave", "slave"]
    assert roles[old] == "slave"
    assert redis.talk(old, password, "GET", "kept") == "this"


def test_down_ends_every_process_even_orphans_and_up_finds_the_data_again(checkout: Checkout) -> None:
    before = checkout.stack().site
    primary = redis.primary(before)
    redis.talk(before.port(primary), before.credentials.password("redis"), "SET", "kept", "this")
    kill(checkout.pids()["mongo"])
    checkout.souk("down")
    assert checkout.marked() == []
    assert not any(proc.listener(checkout.place.port(name)) for name in layout.OFFSETS)
    checkout.souk("up", *PARTS)
    place = checkout.stack().site
    assert redis.primary(place) == primary
    assert redis.talk(place.port(primary), place.credentials.password("redis"), "GET", "kept") == "this"


def test_reset_leaves_no_data_and_the_next_up_starts_afresh(checkout: Checkout) -> None:
    secrets = checkout.place.credentials.read_text()
    checkout.souk("reset", "--yes", "redis")
    assert not checkout.place.data("redis").exists()
    checkout.souk("up", "redis")
    place = checkout.stack().site
    assert redis.talk(place.port("redis-1"), place.credentials.password("redis"), "DBSIZE") == "0"
    assert checkout.place.credentials.read_text() == secrets
