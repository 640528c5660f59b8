"""How often each request asks each store, counted on the wire."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from doors import Doors, Reply, customer
from turns import Turns, counted

import souk.redis
from chalicelib.cart import live
from chalicelib.cart.replica import Lately
from souk.ids import new_id
from souk.redis_wire import Place, primary

from .conftest import Shop, Shopper, changed

pytestmark = pytest.mark.stores


class Wires:
    """The wires to Redis and to PostgreSQL."""

    def __init__(self, redis: Turns, postgres: Turns) -> None:
        self._redis, self._postgres = redis, postgres

    def asked(self, reply: Reply) -> dict[str, Any]:
        """Return what a request took: its status, and round trips by store."""
        return {"status": reply.status, "redis": self._redis.taken(), "postgres": self._postgres.taken()}


def took(redis: int, postgres: int, status: int = 200) -> dict[str, int]:
    return {"status": status, "redis": redis, "postgres": postgres}


@pytest.fixture
def wires(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch, guest: Shopper) -> Iterator[Wires]:
    place, url = Place.of(stores["CART_REDIS_URL"]), urlsplit(stores["CART_DATABASE_URL"])
    server = primary(place) if place.primary else place.hosts[0]
    with counted(*server) as redis, counted(str(url.hostname), url.port or 5432) as postgres:
        word = f":{place.password}@" if place.password else ""
        monkeypatch.setenv("CART_REDIS_URL", f"redis://{word}127.0.0.1:{redis.port}/0?replicas={place.replicas}")
        account = url.netloc.rpartition("@")[0]
        through = url._replace(netloc=f"{account}@127.0.0.1:{postgres.port}")
        monkeypatch.setenv("CART_DATABASE_URL", urlunsplit(through))
        live.redis.close()
        live.database._drop()
        monkeypatch.setattr(souk.redis, "REPLICAS_WITHIN", 1_000)  # or replicas that are slow cost a trip to PostgreSQL
        guest.look()  # connects
        live.database.ping()
        wires = Wires(redis, postgres)
        redis.taken(), postgres.taken()
        yield wires
    live.redis.close()
    live.database._drop()


@pytest.fixture
def tea(shop: Shop) -> str:
    return shop.sell()


def test_opening_asks_redis_once(cart: Doors, wires: Wires) -> None:
    assert wires.asked(cart("POST", "/carts", {})) == took(1, 0, 201)


def test_opening_with_a_key_looks_first_whether_it_was_opened_before(cart: Doors, wires: Wires) -> None:
    wires.asked(cart("POST", "/carts", {}, idempotency_key="none"))  # notes whose Redis it is, once in a process
    assert wires.asked(cart("POST", "/carts", {}, idempotency_key="one")) == took(2, 1, 201)
    assert wires.asked(cart("POST", "/carts", {}, idempotency_key="one")) == took(2, 0, 201)


def test_a_customers_cart_is_found_by_its_name_with_one_question_each(cart: Doors, wires: Wires) -> None:
    me = customer()
    first = wires.asked(cart("POST", "/carts", {"name": "main"}, token=me))
    assert first == took(1, 4, 201)  # its name is looked for; lock, entry, commit
    assert wires.asked(cart("POST", "/carts", {"name": "main"}, token=me)) == took(1, 1)
    assert wires.asked(cart("GET", "/carts", token=me)) == took(1, 1)


def test_a_display_asks_each_store_once(guest: Shopper, tea: str, wires: Wires) -> None:
    guest.add(tea)
    wires.asked(guest("GET"))
    assert wires.asked(guest("GET")) == took(1, 1)


def test_every_change_asks_each_store_once(guest: Shopper, tea: str, wires: Wires) -> None:
    line = f"/lines/{tea}"
    assert wires.asked(guest.add(tea, 2)) == took(1, 1)
    assert wires.asked(guest("PUT", line, {"quantity": 3})) == took(1, 1)
    assert wires.asked(guest("PATCH", line, {"by": -1, "note": "the blue one"})) == took(1, 1)
    assert wires.asked(guest("PATCH", line, {"later": True})) == took(1, 1)
    assert wires.asked(guest("DELETE", line)) == took(1, 0)
    assert wires.asked(guest("DELETE", "/lines")) == took(1, 0)


def test_adding_one_after_the_other_asks_each_store_once(guest: Shopper, shop: Shop, wires: Wires) -> None:
    goods = [shop.sell() for _ in range(3)]
    wires.asked(guest("GET"))
    for sku in goods:
        assert wires.asked(guest.add(sku)) == took(1, 1)


def test_adding_beside_lines_that_were_kept_asks_each_store_once(
    guest: Shopper, shop: Shop, tea: str, wires: Wires, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live.replica, "_lately", Lately())  # another process showed them
    monkeypatch.setattr(Lately, "note", lambda *_: None)
    guest.add(tea)
    shop.take("cart-persistence", changed(guest.cart))
    coffee = shop.sell()
    wires.asked(guest("GET"))
    assert wires.asked(guest.add(coffee)) == took(1, 1)


def test_a_key_costs_nothing_more_but_for_keeping_a_refusal(guest: Shopper, tea: str, wires: Wires) -> None:
    assert wires.asked(guest.add(tea, idempotency_key="one")) == took(1, 1)
    assert wires.asked(guest.add(tea, idempotency_key="one")) == took(1, 1)
    assert wires.asked(guest.add("unknown", idempotency_key="two")) == took(2, 1, 409)
    assert wires.asked(guest.add("unknown", idempotency_key="two")) == took(1, 1, 409)


def test_a_merge_reads_both_carts_and_writes_both(cart: Doors, guest: Shopper, tea: str, wires: Wires) -> None:
    other = Shopper(cart)
    other.add(tea)
    wires.asked(guest("GET"))
    merged = guest("POST", "/merge", {"source": other.cart, "source_token": other.token})
    assert wires.asked(merged) == took(5, 1)


def test_a_submission_freezes_in_redis_and_is_decided_in_postgres(guest: Shopper, tea: str, wires: Wires) -> None:
    guest.add(tea)
    wish = {"quote_id": new_id(), "total": {"amount": 250, "currency": "USD"}}
    seen = guest("GET")
    wires.asked(seen)
    submitted = guest("POST", "/submission", wish, if_match=seen.etag)
    assert wires.asked(submitted) == took(2, 2, 202)  # submission; cart, event, commit
