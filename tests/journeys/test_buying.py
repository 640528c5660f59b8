"""Buying, from the shelf to the doorstep, through HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from journeys.keeper import Keeper, Shopper

from souk.ids import new_id
from souk_cli.demo.journey import Journey, Owner
from souk_cli.demo.shop import Shop
from souk_local.patience import until

pytestmark = [pytest.mark.journey, pytest.mark.stores, pytest.mark.timeout(180, func_only=True)]


@pytest.fixture
def past_orders(keeper: Keeper) -> None:
    """Something to recommend: bananas that were bought together with something else."""
    found = keeper.shop.get("/product/search?q=bananas").body["items"]
    if found and keeper.shop.get(f"/product/recommendations?product={found[0]['id']}").body["together"]:
        return
    keeper.category("Fruit")
    bananas, berries = keeper.goods("Bananas", stock=10_000), keeper.goods("Strawberries", stock=10_000)
    until(lambda: keeper.shop.get("/product/search?q=bananas").body["items"], "bananas to be found")
    assert keeper.customer().buy(bananas, berries)["status"] == "placed"


def settled(shopper: Shopper, state: str) -> dict[str, Any]:
    """Wait until the verdict has come back to the cart."""

    def seen() -> dict[str, Any] | None:
        cart: dict[str, Any] = shopper.look().body
        return cart if cart["state"] == state else None

    return until(seen, f"the cart to be {state}")


def test_the_demonstrations_journey_succeeds(shop: Shop, staff: Owner, past_orders: None) -> None:
    told: list[str] = []
    Journey(shop, staff, lambda asked, answer, _: told.append(f"{asked}: {answer}")).play()
    assert any("is placed" in one for one in told)
    assert any(one.startswith("Bob: what became of it?: rejected") for one in told)


def test_the_last_unit_is_sold_once(keeper: Keeper) -> None:
    rare = keeper.goods(stock=1)
    buyers = [keeper.customer("Ada"), keeper.customer("Bob")]
    for buyer in buyers:
        buyer.add(rare)
    replies = [(buyer, buyer.submit(buyer.quote())) for buyer in buyers]
    outcomes = [buyer.outcome(reply.body["order_id"]) for buyer, reply in replies]
    assert sorted(one["status"] for one in outcomes) == ["placed", "rejected"]
    [reason] = next(one for one in outcomes if one["status"] == "rejected")["reasons"]
    assert (reason["code"], reason["sku"], reason["available"]) == ("out-of-stock", rare.sku, 0)
    assert keeper.stock(rare)["available"] == 0


def test_a_changed_price_is_never_charged_silently(keeper: Keeper) -> None:
    goods, ada = keeper.goods(price=1000), keeper.customer()
    ada.add(goods)
    old = ada.quote()
    keeper.reprice(goods, 1100)
    until(lambda: ada.quote()["goods"]["amount"] == 1100, "the new price to be known to orders")
    reply = ada.submit(old)
    turned_down = ada.outcome(reply.body["order_id"])
    assert turned_down["status"] == "rejected"
    assert [one["code"] for one in turned_down["reasons"]] == ["price-changed"]
    cart = settled(ada, "open")
    assert [line["quantity"] for line in cart["lines"]] == [1]
    new = {"id": turned_down["quote_id"], "total": ada.quote()["total"]}
    placed = ada.outcome(ada.submit(new).body["order_id"])
    assert placed["status"] == "placed"
    assert placed["totals"]["goods"]["amount"] == 1100


def test_a_cart_submitted_twice_is_one_order(keeper: Keeper) -> None:
    goods, ada = keeper.goods(stock=5), keeper.customer()
    ada.add(goods)
    quote, seen, key = ada.quote(), ada.look().etag, new_id()
    first = ada.submit(quote, if_match=seen, idempotency_key=key)
    again = ada.submit(quote, if_match=seen, idempotency_key=key)
    assert (again.status, again.body["order_id"]) == (202, first.body["order_id"])
    assert again.headers["idempotent-replayed"] == "true"
    other = ada.submit(quote, if_match=seen)
    assert other.status in {202, 409, 412}
    assert other.status != 202 or other.body["order_id"] == first.body["order_id"]
    assert ada.outcome(first.body["order_id"])["status"] == "placed"
    settled(ada, "ordered")
    assert len(keeper.shop.get("/order/orders", token=ada.token).body["items"]) == 1
    assert keeper.stock(goods)["available"] == 4


def test_a_stranger_buys_and_nobody_else_sees_it(keeper: Keeper) -> None:
    goods, stranger, ada = keeper.goods(), keeper.stranger(), keeper.customer()
    placed = stranger.buy(goods)
    assert placed["status"] == "placed"
    order, cart = f"/order/orders/{placed['id']}", f"/cart/carts/{stranger.cart}"
    other = keeper.stranger()
    assert keeper.shop.ask("GET", cart).status == 401
    assert keeper.shop.ask("GET", cart, token=ada.token).status in {403, 404}
    assert keeper.shop.ask("GET", cart, token=other.token).status in {403, 404}
    assert keeper.shop.ask("GET", order).status == 401
    assert keeper.shop.ask("GET", order, token=ada.token).status == 404
    assert keeper.shop.ask("GET", order, token=stranger.token).status == 401
    assert other.buy(goods)["status"] == "placed"
    [ticket] = other.tickets.values()
    assert keeper.shop.ask("GET", order, token=ticket).status == 404


def test_what_a_stranger_chose_is_there_after_signing_in(keeper: Keeper) -> None:
    tea, cup = keeper.goods("Tea"), keeper.goods("Cup")
    stranger, ada = keeper.stranger(), keeper.customer()
    stranger.add(tea, 2)
    ada.add(tea)
    ada.add(cup)
    source = {"source": stranger.cart, "source_token": stranger.token}
    keeper.shop.ask("POST", f"/cart/carts/{ada.cart}/merge", source, token=ada.token, expect=200)
    lines = {line["sku"]: line["quantity"] for line in ada.look().body["lines"]}
    assert lines == {tea.sku: 3, cup.sku: 1}
    assert keeper.shop.ask("GET", f"/cart/carts/{stranger.cart}", token=stranger.token).status in {404, 409, 410}


def test_a_cancelled_orders_stock_is_back(keeper: Keeper) -> None:
    goods, ada = keeper.goods(stock=1), keeper.customer()
    placed = ada.buy(goods)
    assert keeper.stock(goods)["available"] == 0
    where = f"/order/orders/{placed['id']}/cancellation"
    bob = keeper.customer("Bob")
    assert keeper.shop.ask("POST", where, token=bob.token).status == 404
    cancelled = keeper.shop.ask("POST", where, token=ada.token, expect=200)
    assert (cancelled.body["status"], cancelled.body["cancelled_by"]) == ("cancelled", "customer")
    assert keeper.stock(goods)["available"] == 1
    assert bob.buy(goods)["status"] == "placed"


def test_pages_of_orders_neither_skip_nor_repeat(keeper: Keeper) -> None:
    goods, ada = keeper.goods(stock=10), keeper.customer()
    placed = [ada.buy(goods)["id"]]
    for _ in range(3):
        ada.take_cart()
        placed.append(ada.buy(goods)["id"])
    first = keeper.shop.get("/order/orders?limit=2", token=ada.token).body
    ada.take_cart()
    ada.buy(goods)  # comes first from now on
    second = keeper.shop.get(f"/order/orders?limit=2&cursor={first['next']}", token=ada.token).body
    assert [one["id"] for page in (first, second) for one in page["items"]] == placed[::-1]
    assert second["next"] is None


def test_whoever_waits_for_an_order_hears_of_it_and_of_its_changes(keeper: Keeper) -> None:
    goods, ada = keeper.goods(stock=1), keeper.customer()
    ada.add(goods)
    order = ada.submit(ada.quote()).body["order_id"]

    def waited(version: int) -> dict[str, Any] | None:
        """Wait until the order is at another version; where too many wait, or the time is up, it may be asked again."""
        seen, token = f'"{version}"', ada.tickets[order]
        reply = keeper.shop.ask("GET", f"/order/orders/{order}", token=token, if_none_match=seen, prefer="wait=10")
        return None if reply.status == 304 else reply.body

    placed = until(lambda: waited(0), "the order to be decided")
    assert (placed["status"], placed["version"]) == ("placed", 1)
    with ThreadPoolExecutor(1) as waiting:
        heard = waiting.submit(until, lambda: waited(1), "the order to change")
        keeper.ask("POST", f"/order/orders/{order}/cancellation", expect=200)
    assert heard.result()["status"] == "cancelled"
