"""Killing Redis under shoppers: what was acknowledged is there afterwards, once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from contract.cart.keepers import LIMITS, Shelf

from chalicelib.cart import carts, live
from chalicelib.cart.carts import Wish
from chalicelib.cart.live_cart import LiveCarts
from chalicelib.cart.model import Asked, Holder
from souk.clock import utcnow
from souk.errors import Unavailable
from souk.ids import new_id
from souk.money import Money
from souk.redis import Place, Redis

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
    asked = Asked(holder=ME, key=new_id())
    pause = threading.Event()
    for _ in range(600):
        try:
            carts.add(cart_id, Wish(sku), asked=asked, limits=LIMITS, carts=live.carts, shelf=Shelf(), now=utcnow())
        except Unavailable:
            pause.wait(0.05)
        else:
            return
    raise AssertionError("never acknowledged")


def held(cart_id: str) -> dict[str, int]:
    return {line.sku: line.quantity for line in live.carts.get(cart_id).lines}


def test_every_acknowledged_change_survives_the_kill_of_the_primary_and_is_done_once(redis: RedisSet) -> None:
    shared = [opened() for _ in range(WRITERS // 2)]
    done = [0] * WRITERS
    enough = threading.Event()

    def write(number: int) -> None:
        while not enough.is_set():
            insist(shared[number // 2], f"sku-{number}")
            done[number] += 1

    with ThreadPoolExecutor(WRITERS) as writers:
        writing = [writers.submit(write, number) for number in range(WRITERS)]
        until(lambda: min(done) > 20)
        lost = redis.fail_over()
        before = list(done)
        until(lambda: all(now > then + 5 for now, then in zip(done, before, strict=True)))
        redis.start_node(lost)
        until(lambda: redis.replicas() == 2)
        before = list(done)
        until(lambda: all(now > then + 5 for now, then in zip(done, before, strict=True)))
        enough.set()
    for one in writing:
        one.result()
    for number in range(WRITERS):
        assert held(shared[number // 2])[f"sku-{number}"] == done[number]


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
