"""Carts outlive Redis: kept in PostgreSQL by their events, read from there while Redis is away, loaded when it is empty."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib.cart import live
from chalicelib.cart.model import Cart, Verdict
from chalicelib.cart.resync import resync
from chalicelib.cart.scripts import keys
from souk.clock import utcnow
from souk.errors import Unavailable
from souk.ids import id_of, new_id

from .conftest import Shop, Shopper, changed

pytestmark = pytest.mark.stores


@pytest.fixture
def full(shop: Shop, guest: Shopper) -> Shopper:
    guest.add(shop.sell(), 2)
    return guest


@pytest.fixture
def without_redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CART_REDIS_URL", "redis+sentinel://127.0.0.1:1/souk?replicas=2")
    live.redis.close()
    yield
    live.redis.close()


def empty(shopper: Shopper) -> None:
    live.redis.ask(("DEL", keys(shopper.cart)[0]))


def test_a_change_marks_the_cart_for_the_relay(full: Shopper) -> None:
    name, dirty, _ = keys(full.cart)
    [version, score] = live.redis.ask(("HGET", name, "version"), ("ZSCORE", dirty, full.cart))
    assert int(version) == int(score) == full.look()["version"]


def test_an_event_keeps_the_cart_and_an_older_one_changes_nothing(shop: Shop, full: Shopper) -> None:
    older = changed(full.cart)
    full.add(shop.sell())
    newer = changed(full.cart)
    for event in (newer, older, newer):
        shop.take("cart-persistence", event)
    assert live.backup.find(full.cart).version == newer.version


def test_without_redis_changes_wait(shop: Shop, full: Shopper, without_redis: None) -> None:
    assert full("GET").status == 503  # it was never kept: whether it exists can't be told
    refused = full.add("any")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "2")


def test_a_degraded_read_says_so(shop: Shop, full: Shopper, request: pytest.FixtureRequest) -> None:
    before = full.look()
    shop.take("cart-persistence", changed(full.cart))
    request.getfixturevalue("without_redis")
    seen = full.look()
    assert seen.pop("degraded") is True
    before.pop("degraded")
    assert seen == before


def test_an_emptied_redis_is_filled_from_postgres(shop: Shop, full: Shopper) -> None:
    before = full.look()
    shop.take("cart-persistence", changed(full.cart))
    empty(full)
    assert full.look() == before
    assert full.add(shop.sell()).body["item_count"] == 3


def test_a_key_is_known_again_after_redis_was_emptied(shop: Shop, guest: Shopper) -> None:
    tea = shop.sell()
    first = guest.add(tea, 2, idempotency_key="one")
    shop.take("cart-persistence", changed(guest.cart))
    empty(guest)
    assert guest.add(tea, 2, idempotency_key="one").body == first.body
    assert guest.look()["item_count"] == 2


def test_a_cart_loaded_after_its_order_was_rejected_is_open_again(shop: Shop, full: Shopper) -> None:
    order = full.submit().body["order_id"]
    live.submissions.settle(order, Verdict.REJECTED, utcnow())
    empty(full)
    assert full.look()["state"] == "open"
    assert full.submit().body["order_id"] == id_of("order", full.cart, 2)


def test_a_cart_loaded_in_an_older_version_counts_on_from_its_last_attempt(shop: Shop, full: Shopper) -> None:
    shop.take("cart-persistence", changed(full.cart))
    frozen = live.carts.get(full.cart).freezing(new_id(), live.carts.get(full.cart).lines[0].price, utcnow())
    live.submissions.abandon(frozen, utcnow())
    empty(full)
    assert full.submit().body["order_id"] == id_of("order", full.cart, 2)


class TestAfterAFailover:
    """Redis's replication id is another one, so that carts are compared with PostgreSQL before anything else."""

    @pytest.fixture(autouse=True)
    def _failed_over(self, full: Shopper) -> None:
        live.redis.ask(("HSET", keys(full.cart)[0], "history", "another"))

    def test_a_change_that_only_postgres_has_comes_back(self, full: Shopper) -> None:
        lost = replace(live_cart(full), version=live_cart(full).version + 1, lines=())
        live.backup.upsert_all([lost], history_of(full))
        live.redis.ask(("HSET", keys(full.cart)[0], "history", "another"))
        assert full.look()["lines"] == []

    def test_a_lost_freeze_comes_back(self, full: Shopper) -> None:
        cart = live_cart(full)
        frozen = cart.freezing(new_id(), cart.lines[0].price, utcnow()).stamped(utcnow())
        live.submissions.open(replace(frozen, version=cart.version + 1), utcnow())
        live.redis.ask(("HSET", keys(full.cart)[0], "history", "another"))
        assert full.look()["state"] == "submitted"
        assert full.cart in set(live.carts.frozen_before(utcnow() + timedelta(seconds=1)))

    def test_what_redis_has_newer_stays_and_is_kept(self, full: Shopper) -> None:
        before = full.look()
        assert live.backup.find(full.cart).version == before["version"]

    def test_a_server_that_lost_the_failover_cannot_keep_changes_any_more(self, full: Shopper) -> None:
        cart = live_cart(full)
        newer = replace(cart, version=cart.version + 1)
        assert live.backup.keep(newer, "another", "") is False
        history = history_of(full)
        assert live.backup.keep(newer, history, "") is True
        assert live.backup.keep(newer, history, "") is True
        assert live.backup.keep(cart, history, "") is False

    @pytest.mark.parametrize("told", [True, False])
    def test_nor_take_over_a_cart_that_its_heir_kept_first(self, full: Shopper, told: bool) -> None:  # noqa: FBT001
        """It was opened there; as nobody's row it became the lost one's, and the heir's changes were lost."""
        history, heir = history_of(full), new_id()
        live.backup.compare(full.cart, live_cart(full), heir, history)
        cart = replace(live_cart(full), id=new_id())
        assert live.backup.upsert_all([cart], heir) if told else live.backup.keep(cart, heir, history)
        with pytest.raises(Unavailable):
            live.backup.compare(cart.id, None, history, "")
        assert live.backup.compare(cart.id, None, heir, history) == cart

    def test_nor_compare_them(self, full: Shopper) -> None:
        cart, history = live_cart(full), history_of(full)
        heir = new_id()
        live.backup.compare(cart.id, cart, heir, history)
        with pytest.raises(Unavailable):
            live.backup.compare(cart.id, replace(cart, version=cart.version + 1), history, "")
        assert live.backup.find(cart.id).version == cart.version
        assert live.backup.compare(cart.id, None, heir, history) == cart

    def test_nor_has_its_events_kept(self, shop: Shop, full: Shopper) -> None:
        cart, event = live_cart(full), changed(full.cart)
        later = replace(cart, version=cart.version + 1)
        told = msgspec.Raw(msgspec.json.encode({**msgspec.to_builtins(later), "history": "another"}))
        shop.take("cart-persistence", replace(event, data=told))
        assert live.backup.find(cart.id) == cart


def history_of(shopper: Shopper) -> str:
    [history] = live.redis.ask(("HGET", keys(shopper.cart)[0], "history"))
    return str(history)


def live_cart(shopper: Shopper) -> Cart:
    return live.carts.get(shopper.cart)


def test_a_resync_marks_what_changed_since(full: Shopper) -> None:
    _, dirty, _ = keys(full.cart)
    live.redis.ask(("ZREM", dirty, full.cart))
    assert resync(utcnow() + timedelta(hours=1)) == 0
    assert resync(utcnow() - timedelta(minutes=1)) >= 1
    [score] = live.redis.ask(("ZSCORE", dirty, full.cart))
    assert int(score) == full.look()["version"]


def test_a_cart_that_cannot_be_read_keeps_no_other_from_being_marked(full: Shopper) -> None:
    _, dirty, _ = keys(full.cart)
    wrong = [keys(new_id())[0] for _ in range(2)]
    live.redis.ask(("ZREM", dirty, full.cart), ("SET", wrong[0], "text"), ("HSET", wrong[1], "version", "one"))
    assert resync(utcnow() - timedelta(minutes=1)) >= 1
    assert live.redis.ask(("ZSCORE", dirty, full.cart)) != [None]
    live.redis.ask(("DEL", wrong[0]), ("DEL", wrong[1]))
