"""One store after the other goes down and comes back: what still works then, and that all of it works afterwards."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from deployments import serving, souk
from journeys.keeper import Goods, Keeper, Shopper, owner_of, slip, word
from watching import watched

from souk.ids import new_id
from souk.postgres import Database
from souk_cli.demo.journey import PASSWORD
from souk_cli.demo.shop import Reply
from souk_local.patience import until
from souk_local.services import SQL_SERVICES

pytestmark = [pytest.mark.stores, pytest.mark.fault, pytest.mark.timeout(240, func_only=True)]
SOON = 15.0  # seconds that a degraded answer may take on a busy machine; after thirty, clients give up
Without = Callable[[str], AbstractContextManager[None]]


@pytest.fixture(scope="module")
def keeper(stores: dict[str, str]) -> Iterator[Keeper]:
    """The keeper of a shop that is served all the while."""
    with serving(stores) as deployment, watched(deployment) as shop:
        yield Keeper(shop, owner_of())


@pytest.fixture
def without(stores: dict[str, str], keeper: Keeper) -> Without:
    """Take a store away for a while; whoever needs it says so, and that it is back."""

    @contextmanager
    def gone(store: str) -> Iterator[None]:
        souk("down", store, without=stores)
        try:
            yield
        finally:
            souk("up", store, without=stores)

    return gone


def later(reply: Reply) -> None:
    """Check that the shop asks to come again."""
    assert reply.status == 503, reply.body
    assert reply.headers["content-type"] == "application/problem+json"
    assert int(reply.headers["retry-after"]) > 0


def states(keeper: Keeper, service: str) -> dict[str, str]:
    """Return which stores a service finds up; it lives all the while."""
    assert keeper.shop.ask("GET", f"/{service}/health").status == 200
    stores = keeper.shop.ask("GET", f"/{service}/health/ready").body["stores"]
    return {name: one["status"] for name, one in stores.items()}


def back(keeper: Keeper, service: str) -> None:
    """Wait until a service finds all its stores up again."""
    until(lambda: set(states(keeper, service).values()) == {"up"}, f"{service} to be ready")


def on_sale(keeper: Keeper, **wish: object) -> Goods:
    """Put something on sale that searches find and carts and orders know."""
    goods = keeper.goods(word(), **wish)  # type: ignore[arg-type]  # passed on as it is
    until(lambda: finds(keeper, goods), f"{goods.title} to be found")
    keeper.stranger().buy(goods)
    return goods


def finds(keeper: Keeper, goods: Goods, *, degraded: bool = False, q: str = "") -> bool:
    page = keeper.shop.get(f"/product/search?q={q or goods.title}").body
    return [one["id"] for one in page["items"]] == [goods.id] and page["degraded"] is degraded


def test_without_the_search_engine_mongodb_searches(keeper: Keeper, without: Without) -> None:
    goods = on_sale(keeper)
    with without("search"):
        assert finds(keeper, goods, degraded=True)
        assert keeper.shop.get("/product/listing").body["degraded"] is True
        assert keeper.shop.get(f"/product/suggestions?q={goods.title[:6]}").body["degraded"] is True
        assert keeper.shop.get(f"/product/listing/{goods.id}").body["degraded"] is False
        new = keeper.goods(word())
        assert finds(keeper, new, degraded=True)
        assert states(keeper, "product")["search"] == "down"
        assert keeper.stranger().buy(new)["status"] == "placed"
    back(keeper, "product")
    until(lambda: finds(keeper, new), "what was published meanwhile to be found")
    until(lambda: finds(keeper, goods, q=slip(goods.title)), "it to be found in spite of a slip")


def test_without_the_graph_best_sellers_are_recommended(keeper: Keeper, without: Without) -> None:
    category = keeper.category(word())
    pen, ink = keeper.goods(category=category), keeper.goods(category=category)
    where = f"/product/recommendations?product={pen.id}"
    until(lambda: keeper.shop.get(where).body["items"], "something of the same category to recommend")
    with without("graph"):
        reply = keeper.shop.get(where)
        assert (reply.body["degraded"], reply.body["together"]) == (True, 0)
        assert reply.body["items"][0]["id"] == ink.id
        assert reply.seconds < SOON
        assert states(keeper, "product")["graph"] == "down"
        assert keeper.stranger().buy(pen, ink)["status"] == "placed"
    back(keeper, "product")
    until(lambda: keeper.shop.get(where).body["together"] == 1, "the order to be learnt from")
    assert keeper.shop.get(where).body["degraded"] is False


def test_without_mongodb_products_are_shown_from_the_search_engine(keeper: Keeper, without: Without) -> None:
    goods, ada = on_sale(keeper), keeper.customer()
    ada.add(goods)
    quote, seen = ada.quote(), keeper.product(goods)
    with without("mongo"):
        assert finds(keeper, goods)
        reply = keeper.shop.get(f"/product/listing/{goods.id}")
        assert (reply.body["title"], reply.body["degraded"]) == (goods.title, True)
        assert reply.seconds < SOON
        where = f"/product/products/{goods.id}"
        later(keeper.shop.ask("PATCH", where, {"title": "x"}, token=keeper.token, if_match=seen.etag))
        assert states(keeper, "product")["mongo"] == states(keeper, "order")["mongo"] == "down"
        submitted = ada.submit(quote)
        assert submitted.status == 202
        assert ada.look().body["state"] == "submitted"
    back(keeper, "product")
    back(keeper, "order")
    assert ada.outcome(submitted.body["order_id"])["status"] == "placed"
    assert keeper.product(goods).etag == seen.etag
    keeper.reprice(goods, 1)


def test_without_redis_carts_can_be_looked_at(keeper: Keeper, without: Without) -> None:
    goods, ada = on_sale(keeper), keeper.customer()
    added = ada.add(goods, 2)
    until(lambda: kept(ada) == added.body["version"], "the cart to be kept in PostgreSQL")
    with without("redis"):
        reply = ada.look()
        assert (reply.body["degraded"], [line["quantity"] for line in reply.body["lines"]]) == (True, [2])
        assert reply.seconds < SOON
        later(change(ada, goods, 3))
        assert states(keeper, "cart")["redis"] == "down"
        assert finds(keeper, goods)
    back(keeper, "cart")
    assert until(lambda: changed(ada, goods, 3), "the cart to be changed").body["quantity"] == 3
    cart = ada.look().body
    assert (cart["degraded"], [line["quantity"] for line in cart["lines"]]) == (False, [3])
    assert ada.outcome(ada.submit(ada.quote()).body["order_id"])["status"] == "placed"


def kept(shopper: Shopper) -> int:
    """Return the version of a cart in PostgreSQL."""
    with Database("cart").reading() as session:
        row = session.one("SELECT version FROM carts WHERE id = %(id)s", id=shopper.cart)
    return int(row["version"]) if row else 0


def change(shopper: Shopper, goods: Goods, quantity: int) -> Reply:
    where = f"/cart/carts/{shopper.cart}/lines/{goods.sku}"
    return shopper.shop.ask("PUT", where, {"quantity": quantity}, token=shopper.token)


def changed(shopper: Shopper, goods: Goods, quantity: int) -> Reply | None:
    """Change a line; None while the shop asks to come again."""
    reply = change(shopper, goods, quantity)
    return None if reply.status == 503 else reply


def test_without_rabbitmq_events_wait(keeper: Keeper, without: Without) -> None:
    goods, ada = on_sale(keeper), keeper.customer()
    ada.add(goods)
    with without("rabbitmq"):
        new = keeper.goods(word())
        order = ada.submit(ada.quote()).body["order_id"]
        shown = keeper.shop.get(f"/order/orders/{order}", token=ada.tickets[order])
        assert shown.body["status"] == "pending"
        assert {"down"}.isdisjoint(states(keeper, "order").values())
    assert ada.outcome(order)["status"] == "placed"
    until(lambda: finds(keeper, new), "what was published meanwhile to be found")


def test_without_postgresql_nothing_is_half_done(keeper: Keeper, without: Without) -> None:
    goods, ada = on_sale(keeper), keeper.customer()
    ada.add(goods)
    quote, seen, key = ada.quote(), ada.look().etag, new_id()
    wish = {"email": f"late-{new_id()[-10:]}@example.com", "name": "Late", "password": PASSWORD}
    with without("postgres"):
        later(keeper.shop.ask("POST", "/customer/customers", wish, idempotency_key=key))
        later(keeper.shop.ask("POST", "/customer/sessions", {"email": wish["email"], "password": PASSWORD}))
        later(keeper.shop.ask("GET", f"/order/orders/{new_id()}", token=ada.token))
        later(ada.submit(quote, if_match=seen, idempotency_key=key))
        assert ada.look().body["degraded"] is True
        assert finds(keeper, goods)
        assert all(states(keeper, service)["postgres"] == "down" for service in SQL_SERVICES)
    for service in SQL_SERVICES:
        back(keeper, service)
    made = keeper.shop.ask("POST", "/customer/customers", wish, idempotency_key=key)
    assert (made.status, "idempotent-replayed" in made.headers) == (201, False)
    again = ada.submit(quote, if_match=seen, idempotency_key=key)
    assert again.status == 202
    assert ada.outcome(again.body["order_id"])["status"] == "placed"
    assert len(keeper.shop.get("/order/orders", token=ada.token).body["items"]) == 1
