"""A customer's carts: found by signing in, one open cart per name."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from doors import Doors, Reply, customer, staff

from chalicelib.cart import live
from chalicelib.cart.events import OrderPlaced
from souk.ids import new_id

from .conftest import Shop, Shopper, changed

pytestmark = pytest.mark.stores


@pytest.fixture
def me(stores: dict[str, str]) -> str:
    return customer()


def opened(cart: Doors, token: str, name: str = "main", **headers: str) -> Reply:
    return cart("POST", "/carts", {"name": name}, token=token, **headers)


def names(cart: Doors, token: str) -> list[str | None]:
    return [one["name"] for one in cart("GET", "/carts", token=token).body["items"]]


def order(cart: Doors, shop: Shop, token: str, cart_id: str) -> None:
    seen = cart("GET", f"/carts/{cart_id}", token=token)
    wish = {"quote_id": new_id(), "total": {"amount": 250, "currency": "USD"}}
    placed = cart("POST", f"/carts/{cart_id}/submission", wish, token=token, if_match=seen.etag).body["order_id"]
    shop.deliver("cart-outcomes", OrderPlaced(order_id=placed), placed)


def test_a_cart_of_a_name_is_opened_once(cart: Doors, me: str) -> None:
    first = opened(cart, me)
    again = opened(cart, me)
    assert (first.status, again.status, again.body["id"]) == (201, 200, first.body["id"])
    assert first.headers["Location"] == again.headers["Location"] == f"/cart/carts/{first.body['id']}"
    assert opened(cart, me, "wishes").body["id"] != first.body["id"]
    assert opened(cart, customer()).body["id"] != first.body["id"]


def test_devices_that_open_it_at_once_get_the_same(cart: Doors, me: str) -> None:
    with ThreadPoolExecutor(8) as devices:
        replies = list(devices.map(lambda _: opened(cart, me), range(16)))
    assert {reply.status for reply in replies} == {200, 201}
    assert len({reply.body["id"] for reply in replies}) == 1


def test_another_device_finds_a_customers_carts(cart: Doors, shop: Shop, me: str) -> None:
    first = opened(cart, me).body["id"]
    cart("POST", f"/carts/{first}/lines", {"sku": shop.sell(), "quantity": 2}, token=me)
    Shopper(cart, me)
    [main, other] = cart("GET", "/carts", token=me).body["items"]
    assert (main["id"], main["name"], main["state"], main["item_count"]) == (first, "main", "open", 2)
    assert (other["name"], other["item_count"], other["degraded"]) == (None, 0, False)
    assert cart("GET", "/carts", token=customer()).body == {"items": [], "next": None}


def test_only_customers_have_a_list_of_carts(cart: Doors, guest: Shopper) -> None:
    assert cart("GET", "/carts").status == 401
    assert cart("GET", "/carts", token=guest.token).status == 401
    assert cart("GET", "/carts", token=staff("orders:read")).status == 403
    refused = cart("POST", "/carts", {"name": "main"})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/name")


def test_after_an_order_the_name_is_the_next_carts_with_what_was_saved(cart: Doors, shop: Shop, me: str) -> None:
    tea, cup = shop.sell(), shop.sell()
    first = opened(cart, me).body["id"]
    for sku in (tea, cup):
        cart("POST", f"/carts/{first}/lines", {"sku": sku, "note": "blue"}, token=me)
    cart("PATCH", f"/carts/{first}/lines/{cup}", {"later": True}, token=me)
    order(cart, shop, me, first)
    assert names(cart, me) == []
    with ThreadPoolExecutor(4) as devices:
        [second] = {reply.body["id"] for reply in devices.map(lambda _: opened(cart, me), range(8))}
    assert second != first
    [saved] = cart("GET", f"/carts/{second}", token=me).body["saved"]
    assert (saved["sku"], saved["note"]) == (cup, "blue")
    assert names(cart, me) == ["main"]


def test_a_cart_being_ordered_keeps_its_name(cart: Doors, shop: Shop, me: str) -> None:
    first = opened(cart, me).body["id"]
    cart("POST", f"/carts/{first}/lines", {"sku": shop.sell()}, token=me)
    seen = cart("GET", f"/carts/{first}", token=me)
    wish = {"quote_id": new_id(), "total": {"amount": 250, "currency": "USD"}}
    cart("POST", f"/carts/{first}/submission", wish, token=me, if_match=seen.etag)
    assert opened(cart, me).body["id"] == first
    assert [one["state"] for one in cart("GET", "/carts", token=me).body["items"]] == ["submitted"]


def test_a_cart_merged_into_another_gives_its_name_free(cart: Doors, me: str) -> None:
    main, wishes = opened(cart, me).body["id"], opened(cart, me, "wishes").body["id"]
    assert cart("POST", f"/carts/{main}/merge", {"source": wishes}, token=me).status == 200
    assert names(cart, me) == ["main"]
    assert opened(cart, me, "wishes").body["id"] != wishes


def test_a_key_finds_the_same_cart_also_by_name(cart: Doors, me: str) -> None:
    key = new_id()
    first = opened(cart, me, idempotency_key=key)
    again = opened(cart, me, idempotency_key=key)
    assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (201, first.body, "true")
    assert opened(cart, me, "wishes", idempotency_key=key).body["type"].endswith("key-reused")


def test_a_customer_has_so_many_open_carts(cart: Doors, shop: Shop, me: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CART_MOST_CARTS", "2")
    first, second = opened(cart, me).body["id"], opened(cart, me, "wishes").body["id"]
    assert opened(cart, me, "third").body["type"] == "urn:souk:problem:too-many-carts"
    assert opened(cart, me).body["id"] == first
    assert cart("POST", f"/carts/{first}/merge", {"source": second}, token=me).status == 200
    assert opened(cart, me, "third").status == 201


def test_without_redis_they_are_listed_as_they_were_last_kept(cart: Doors, shop: Shop, me: str) -> None:
    first = opened(cart, me).body["id"]
    shop.take("cart-persistence", changed(first))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CART_REDIS_URL", "redis+sentinel://127.0.0.1:1/souk?replicas=2")
        live.redis.close()
        [main] = cart("GET", "/carts", token=me).body["items"]
        assert (main["id"], main["degraded"]) == (first, True)
        refused = opened(cart, me)
        assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
    live.redis.close()


def test_a_key_that_opened_a_cart_of_another_name_is_used(cart: Doors, me: str) -> None:
    key = new_id()
    opened(cart, me, "tea", idempotency_key=key)
    merged = {"source": opened(cart, me, "coffee").body["id"]}
    cart("POST", f"/carts/{opened(cart, me).body['id']}/merge", merged, token=me)
    again = opened(cart, me, "coffee", idempotency_key=key)
    assert (again.status, again.body["type"]) == (422, "urn:souk:problem:key-reused")
