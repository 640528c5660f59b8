"""Killing Redis under shoppers: what was acknowledged is there afterwards, once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from contract.cart.keepers import LIMITS, Shelf
from msgspec.structs import replace

from chalicelib.cart import carts, live, persistence
from chalicelib.cart.carts import Wish
from chalicelib.cart.events import CartChanged
from chalicelib.cart.live_cart import LiveCarts
from chalicelib.cart.model import Asked, Cart, Holder
from chalicelib.cart.views import CartView
from souk.clock import utcnow
from souk.errors import Unavailable
from souk.events import Event
from souk.ids import new_id
from souk.money import Money
from souk.redis import Redis
from souk.redis_wire import Place

from .redis_set import PASSWORD, RedisSet, until

pytestmark = [pytest.mark.fault, pytest.mark.stores]
ME = Holder(customer_id="me")
WRITERS = 8


@pytest.fixture
def redis(stores: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisSet]:
    servers = RedisSet(tmp_path)
    monkeypatch.setenv("CART_REDIS_URL", servers.url)
    live.redis.close()
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
        live.redis.close()


def opened() -> str:
    cart_id = new_id()
    carts.create(cart_id, market="default", token="", asked=Asked(holder=ME), carts=live.carts, now=utcnow())
    return cart_id


def insist(cart_id: str, sku: str) -> None:
    """Add one, again and again under the same key, until that is acknowledged."""
    key, pause = new_id(), threading.Event()
    for _ in range(1200):
        try:
            add(cart_id, sku, key)
        except Unavailable:
            pause.wait(0.05)
        else:
            return
    raise AssertionError("never acknowledged")


def held(cart_id: str) -> dict[str, int]:
    return {line.sku: line.quantity for line in live.carts.get(cart_id).lines}


class Shoppers:
    """Shoppers who add to carts, two to a cart, each one insisting until a change is acknowledged."""

    def __init__(self) -> None:
        self.carts = [opened() for _ in range(WRITERS // 2)]
        self.done = [0] * WRITERS
        self._enough = threading.Event()

    def write(self, number: int) -> None:
        while not self._enough.is_set():
            insist(self.carts[number // 2], f"sku-{number}")
            self.done[number] += 1

    def go_on(self, by: int = 5) -> None:
        """Wait until each of them had so many more changes acknowledged."""
        before = list(self.done)
        until(lambda: all(now >= then + by for now, then in zip(self.done, before, strict=True)), within=60.0)

    def stop(self) -> None:
        self._enough.set()


@contextmanager
def shopping() -> Iterator[Shoppers]:
    """Let shoppers add while things happen; afterwards what was acknowledged is there, once."""
    shoppers = Shoppers()
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(shoppers.write, number) for number in range(WRITERS)]
        try:
            shoppers.go_on()
            yield shoppers
            shoppers.go_on()
        finally:
            shoppers.stop()
    for one in writing:
        one.result()
    for number, done in enumerate(shoppers.done):
        assert held(shoppers.carts[number // 2])[f"sku-{number}"] == done


def test_every_acknowledged_change_survives_the_kill_of_the_primary_and_is_done_once(redis: RedisSet) -> None:
    with shopping() as shoppers:
        lost = redis.fail_over()
        shoppers.go_on()
        redis.start_node(lost)
        until(lambda: redis.replicas() == 2)


def test_every_acknowledged_change_survives_a_planned_failover(redis: RedisSet) -> None:
    with shopping() as shoppers:
        redis.hand_over()
        shoppers.go_on()
        until(lambda: redis.replicas() == 2)


def test_every_acknowledged_change_survives_a_replica_that_is_gone_and_then_the_primary(redis: RedisSet) -> None:
    with shopping() as shoppers:
        gone = next(port for port in redis.nodes if port != redis.primary())
        redis.kill(gone)
        shoppers.go_on()  # acknowledged by PostgreSQL
        lost = redis.fail_over()
        shoppers.go_on()
        for port in (gone, lost):
            redis.start_node(port)
        until(lambda: redis.replicas() == 2)


def test_every_acknowledged_change_survives_a_restart_at_once(redis: RedisSet) -> None:
    with shopping() as shoppers:
        for _ in range(3):
            primary = redis.primary()
            redis.kill(primary)
            redis.start_node(primary)
            shoppers.go_on()


def test_every_acknowledged_change_survives_a_primary_that_hangs_and_comes_back(redis: RedisSet) -> None:
    with shopping() as shoppers:
        hanging = redis.primary()
        redis.pause(hanging)
        until(lambda: redis.primary() != hanging and redis.replication(redis.primary())["role"] == "master")
        shoppers.go_on()
        redis.resume(hanging)
        shoppers.go_on()
        until(lambda: redis.replicas() == 2)


@pytest.mark.parametrize("emptied", [False, True], ids=["with its data", "empty"])
def test_while_redis_is_gone_carts_are_read_and_afterwards_all_is_there(redis: RedisSet, *, emptied: bool) -> None:
    cart_id = opened()
    insist(cart_id, "tea")
    keep_in_postgres(cart_id)
    before = look(cart_id)
    primary = redis.primary()
    for port in redis.nodes:
        redis.kill(port)
    assert look(cart_id) == replace(before, degraded=True)
    with pytest.raises(Unavailable) as refused:
        add(cart_id, "cup")
    assert refused.value.retry_after > 0
    for port in sorted(redis.nodes, key=lambda port: port != primary):
        if emptied:
            redis.empty(port)
        redis.start_node(port)
    until(lambda: answers(cart_id) and redis.replicas() == 2)
    assert look(cart_id) == before
    insist(cart_id, "cup")
    assert held(cart_id) == {"tea": 1, "cup": 1}


def keep_in_postgres(cart_id: str) -> None:
    """Do what the relay and its consumer do some milliseconds after a change."""
    cart = live.carts.get(cart_id)
    live.backup.upsert_all([cart], None)


def look(cart_id: str) -> CartView:
    return carts.display(cart_id, holder=ME, carts=live.carts, backup=live.backup, shelf=Shelf())


def add(cart_id: str, sku: str, key: str | None = None) -> None:
    asked = Asked(holder=ME, key=key)
    carts.add(cart_id, Wish(sku), asked=asked, limits=LIMITS, carts=live.carts, shelf=Shelf(), now=utcnow())


def test_what_only_postgres_has_comes_back_after_a_failover(redis: RedisSet) -> None:
    cart_id = opened()
    insist(cart_id, "before")
    cut_off_replicas(redis)
    insist(cart_id, "cut-off")  # acknowledged by PostgreSQL alone
    redis.fail_over()
    until(lambda: answers(cart_id))
    assert held(cart_id) == {"before": 1, "cut-off": 1}


def test_a_freeze_that_no_replica_saw_is_not_forgotten(redis: RedisSet) -> None:
    cart_id = opened()
    insist(cart_id, "tea")
    cut_off_replicas(redis)
    kept = live.carts.change(cart_id, lambda cart: cart.freezing(new_id(), Money(1, "USD"), utcnow()).stamped(utcnow()))
    submission = live.submissions.open(kept.cart, utcnow())
    redis.fail_over()
    until(lambda: answers(cart_id))
    found = live.carts.get(cart_id)
    assert (found.state, found.order_id) == ("frozen", submission.fact.order_id)


def test_a_primary_that_lost_the_failover_acknowledges_nothing(redis: RedisSet) -> None:
    """It takes changes until it learns of its heir; PostgreSQL has heard of the heir by then."""
    cart_id = opened()
    insist(cart_id, "tea")
    old = LiveCarts(Pinned(redis), live.backup)
    assert old.get(cart_id) == live.carts.get(cart_id)
    cut_off_replicas(redis)
    heir = next(port for port in redis.nodes if port != redis.primary())
    redis.ask(heir, "REPLICAOF", "NO", "ONE", password=PASSWORD)
    new = LiveCarts(Pinned(redis, heir), live.backup)
    new.get(cart_id)
    with pytest.raises(Unavailable):
        old.change(cart_id, lambda cart: cart.stamped(utcnow()))
    assert live.backup.find(cart_id) == new.get(cart_id)


def test_a_merge_that_a_primary_began_after_it_lost_the_failover_takes_nothing_over(redis: RedisSet) -> None:
    """What it tells of it is heard by somebody who still speaks to it; the source goes on with its heir."""
    source, target = opened(), opened()
    insist(source, "tea")
    lost = Pinned(redis)
    old = LiveCarts(lost, live.backup)
    assert [len(old.get(one).lines) for one in (source, target)] == [1, 0]
    cut_off_replicas(redis)
    heir = next(port for port in redis.nodes if port != redis.primary())
    redis.ask(heir, "REPLICAOF", "NO", "ONE", password=PASSWORD)
    LiveCarts(Pinned(redis, heir), live.backup).get(source)
    with pytest.raises(Unavailable):
        old.change(source, lambda cart: cart.merging_into(target).stamped(utcnow()))
    with pytest.raises(Unavailable):
        persistence.keep([told(old.get(source), by=lost)], archive=live.backup, limits=LIMITS, carts=old, now=utcnow())
    assert old.get(target).lines == ()


def told(cart: Cart, *, by: Redis) -> Event:
    """Return what the relay says of a cart in that Redis."""
    fact = CartChanged(**msgspec.structs.asdict(cart), history=by._wire().history)
    return Event.of(fact, aggregate=cart.id, version=cart.version, now=utcnow())


class Pinned(Redis):
    """Speaks to one server, whatever the sentinels say."""

    def __init__(self, servers: RedisSet, port: int | None = None) -> None:
        super().__init__("cart")
        self._port = port or servers.primary()

    def _place(self) -> Place:
        return Place(hosts=(("127.0.0.1", self._port),), password=PASSWORD, replicas=2)


def cut_off_replicas(redis: RedisSet) -> None:
    """Let no replica follow the primary any more, as in a parted network."""
    primary = redis.primary()
    for port in redis.nodes:
        if port != primary:
            redis.ask(port, "CONFIG", "SET", "masterauth", "wrong", password=PASSWORD)
    redis.ask(primary, "CLIENT", "KILL", "TYPE", "replica", password=PASSWORD)
    until(lambda: redis.replicas() == 0)


def answers(cart_id: str) -> bool:
    try:
        live.carts.get(cart_id)
    except Unavailable:
        return False
    return True
