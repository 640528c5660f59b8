"""RabbitMQ, the bridge and LocalStack end one after the other while people keep writing: every event takes effect once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from deployments import deployed, souk
from journeys.keeper import Goods, Keeper, Shopper, owner_of
from watching import watched

from souk.ids import new_id
from souk.postgres import Database
from souk_cli.demo.shop import Reply, Shop
from souk_local import layout, processes
from souk_local.patience import until

pytestmark = [pytest.mark.stores, pytest.mark.fault, pytest.mark.timeout(540, func_only=True)]
PATIENCE = 150.0  # seconds that a shop may be away, or its events may take to arrive
PAUSE = 0.5  # seconds between two writes of one writer
SCARCE = 5
KEPT = "SELECT version FROM carts WHERE id = %(id)s"


class Stubborn(Shop):
    """Asks again, under the same key, until the shop itself answers."""

    def ask(
        self, method: str, path: str, json: Any = None, *, token: str = "", expect: int | None = None, **headers: str
    ) -> Reply:
        if method == "POST":
            headers.setdefault("idempotency_key", new_id())

        def answered() -> Reply | None:
            try:
                reply = Shop.ask(self, method, path, json, token=token, expect=None, **headers)
            except (httpx.HTTPError, ValueError):
                return None
            ours = reply.status < 400 or (reply.status < 500 and "type" in (reply.body or {}))
            return reply if ours else None

        reply = until(answered, f"an answer to {method} {path}", within=PATIENCE)
        assert expect in {None, reply.status}, f"{method} {path} answered {reply.status}, not {expect}: {reply}"
        return reply


class Writer(threading.Thread):
    """Somebody who writes the same thing again and again until told to stop."""

    def __init__(self, write: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self._write, self._over = write, threading.Event()
        self.written = 0
        self.trouble: Exception | None = None

    def run(self) -> None:
        try:
            while not self._over.wait(PAUSE):
                self._write()
                self.written += 1
        except Exception as error:  # noqa: BLE001 - told by the test, in its own thread
            self.trouble = error

    def goes_on(self, more: int = 3) -> None:
        """Wait for some more writes."""
        wanted = self.written + more
        until(lambda: self.written >= wanted or self.trouble, "more to be written", within=PATIENCE)
        assert self.trouble is None, self.trouble

    def stop(self) -> None:
        self._over.set()
        self.join(PATIENCE)
        assert self.trouble is None, self.trouble


class Desk:
    """Staff who keep receiving goods and making products."""

    def __init__(self, keeper: Keeper, goods: Goods) -> None:
        self._keeper, self._goods = keeper, goods
        self.received = 0
        self.made: list[str] = []

    def write(self) -> None:
        more = {"change": 1, "reason": "received"}
        self._keeper.ask("POST", f"/order/stock/{self._goods.sku}/adjustments", more, expect=201)
        self.received += 1
        made = self._keeper.ask("POST", "/product/products", {"title": f"Thing {new_id()}"}, expect=201)
        self.made.append(made.body["id"])


class Crowd:
    """Strangers who keep buying."""

    def __init__(self, keeper: Keeper, *goods: Goods) -> None:
        self._keeper, self._goods = keeper, goods
        self.orders: list[tuple[Shopper, str]] = []

    def write(self) -> None:
        one = self._keeper.stranger()
        for goods in self._goods:
            one.add(goods)
        reply = one.submit(one.quote())
        assert reply.status == 202, reply.body
        self.orders.append((one, reply.body["order_id"]))


@pytest.fixture
def keeper(stores: dict[str, str]) -> Iterator[Keeper]:
    with deployed(stores) as deployment, watched(deployment):
        shop = Stubborn(deployment.base)
        yield Keeper(shop, owner_of())
        shop.close()


@contextmanager
def writing(*writers: Writer) -> Iterator[None]:
    for one in writers:
        one.start()
    try:
        yield
    finally:
        for one in writers:
            one.stop()


def kill(name: str) -> None:
    """End a program as a power cut would."""
    record = processes.recorded(layout.find(), name)
    assert record is not None, f"{name} does not run"
    os.kill(record.pid, signal.SIGKILL)


def audited(keeper: Keeper, subject: str, action: str) -> int:
    """Count how often the audit trail tells of an action on something."""
    return sum(one["action"] == action for one in pages(keeper, f"/admin/audit?subject={subject}&limit=100"))


def pages(keeper: Keeper, where: str) -> Iterator[dict[str, Any]]:
    """Return what stands on all pages of a list."""
    page = keeper.ask("GET", where, expect=200).body
    yield from page["items"]
    while page["next"]:
        page = keeper.ask("GET", f"{where}&cursor={page['next']}", expect=200).body
        yield from page["items"]


def kept(cart: str) -> int:
    with Database("cart").reading() as session:
        row = session.one(KEPT, id=cart)
    return int(row["version"]) if row else 0


def same(look: Callable[[], Any], wanted: Any, what: str) -> None:
    """Wait until something is as it should be, and tell how it is where it never gets so."""
    try:
        until(lambda: look() == wanted, what, within=PATIENCE)
    except Exception:
        assert look() == wanted, what
        raise


def test_nothing_is_lost_and_nothing_happens_twice(keeper: Keeper, stores: dict[str, str]) -> None:
    plenty, rare = keeper.goods(stock=1000), keeper.goods(stock=SCARCE)
    desk, crowd, few = Desk(keeper, plenty), Crowd(keeper, plenty), Crowd(keeper, plenty, rare)
    writers = [Writer(desk.write), Writer(crowd.write), Writer(few.write)]
    with writing(*writers):
        for end in (lambda: souk("down", "rabbitmq", without=stores), lambda: kill("bridge")):
            end()
            for one in writers:
                one.goes_on()
            souk("up", without=stores)
        for one in writers:
            one.goes_on()
        kill("localstack")
        souk("up", without=stores)
        for one in writers:
            one.goes_on()
    check_orders(keeper, crowd, few, plenty, rare)
    check_stock(keeper, plenty, received=desk.received)
    check_trail(keeper, desk, plenty)


def check_orders(keeper: Keeper, crowd: Crowd, few: Crowd, plenty: Goods, rare: Goods) -> None:
    """Each submission is decided once, and the cart and the product service have heard of it once."""
    outcomes = {order: one.outcome(order, patience=PATIENCE)["status"] for one, order in crowd.orders + few.orders}
    assert {outcomes[order] for _, order in crowd.orders} == {"placed"}
    lucky = sum(outcomes[order] == "placed" for _, order in few.orders)
    assert lucky == min(SCARCE, len(few.orders))
    placed = len(crowd.orders) + lucky
    assert (keeper.stock(plenty)["reserved"], keeper.stock(rare)["reserved"]) == (placed, lucky)
    for one, order in crowd.orders + few.orders:
        state = "ordered" if outcomes[order] == "placed" else "open"
        same(lambda one=one: one.look().body["state"], state, f"the cart of {order} to be {state}")  # type: ignore[misc]  # the loop's own cart
        same(lambda one=one: kept(one.cart), one.look().body["version"], "the cart to be kept as it is")  # type: ignore[misc]
    same(lambda: keeper.product(plenty).body["sold"], placed, "what was sold to be counted")
    same(lambda: keeper.product(rare).body["sold"], lucky, "what was sold of the rare to be counted")


def check_stock(keeper: Keeper, goods: Goods, *, received: int) -> None:
    """The ledger sums to the stock, and whoever keeps a copy of the stock has the newest."""
    stock = keeper.stock(goods)
    moved = list(pages(keeper, f"/order/stock/{goods.sku}/adjustments?limit=100"))
    assert stock["on_hand"] == 1000 + received == sum(one["on_hand"] for one in moved)
    assert stock["reserved"] == sum(one["reserved"] for one in moved)
    same(lambda: keeper.product(goods).body["skus"][0]["available"], stock["available"], "products to know the stock")
    looker = keeper.stranger()
    looker.add(goods)
    same(lambda: looker.look().body["lines"][0]["available"], stock["available"], "carts to know the stock")


def check_trail(keeper: Keeper, desk: Desk, goods: Goods) -> None:
    """What staff did is in the audit trail once."""
    same(lambda: audited(keeper, goods.sku, "stock.adjust"), desk.received, "what was received to be in the trail")
    for product in desk.made:
        same(lambda product=product: audited(keeper, product, "product.create"), 1, "a product to be in the trail")  # type: ignore[misc]
