"""The cart service's doors, with real stores, and a shopper to start a test from."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from doors import Doors, Reply, doors, event

from chalicelib.cart import live
from chalicelib.cart.events import ProductPublished, PublishedSku, StockChanged
from chalicelib.cart.live_cart import unpacked
from chalicelib.cart.scripts import keys
from souk.clock import utcnow
from souk.events import Event, Fact, decoded
from souk.ids import id_of, new_id
from souk.money import Money


class Shop:
    """What happens around carts, in a line each."""

    def __init__(self, opened: Doors) -> None:
        self.doors = opened

    def sell(self, *, price: int = 250, stock: int | None = 10, product: str = "", version: int = 1) -> str:
        """Publish a product of one SKU, put so many on the shelf, and return the SKU."""
        product = product or new_id()
        sku = f"sku-{product}"
        priced = PublishedSku(sku=sku, title="500 g", prices={"default": Money(price, "USD")})
        fact = ProductPublished(product_id=product, slug="tea", title="Tea", skus=(priced,))
        self.deliver("cart-products", fact, product, version)
        if stock is not None:
            self.deliver("cart-stock", StockChanged(sku=sku, available=stock), sku, version)
        return sku

    def deliver(self, consumer: str, fact: Fact, aggregate: str, version: int = 1) -> None:
        self.take(consumer, event(fact, aggregate=aggregate, version=version))

    def take(self, consumer: str, what: Event) -> None:
        answer = self.doors.deliver(consumer, what)
        assert answer["batchItemFailures"] == [], answer


class Shopper:
    """Somebody with a cart."""

    def __init__(self, opened: Doors, token: str = "", **headers: str) -> None:
        self._doors = opened
        self.opened = opened("POST", "/carts", {}, token=token, **headers)
        assert self.opened.status == 201, self.opened
        self.cart: str = self.opened.body["id"]
        self.token = token or self.opened.body["token"]

    def __call__(self, method: str, path: str = "", json: Any = None, **headers: str) -> Reply:
        return self._doors(method, f"/carts/{self.cart}{path}", json, token=self.token, **headers)

    def add(self, sku: str, quantity: int = 1, **headers: str) -> Reply:
        return self("POST", "/lines", {"sku": sku, "quantity": quantity}, **headers)

    def look(self) -> Any:
        return self("GET").body

    def submit(self, total: int = 250, **headers: str) -> Reply:
        headers.setdefault("if_match", f'"{self.look()["version"]}"')
        wish = {"quote_id": new_id(), "total": {"amount": total, "currency": "USD"}}
        return self("POST", "/submission", wish, **headers)


@pytest.fixture
def cart(stores: dict[str, str]) -> Iterator[Doors]:
    with doors("cart") as opened:
        yield opened


@pytest.fixture
def shop(cart: Doors) -> Shop:
    return Shop(cart)


@pytest.fixture
def guest(cart: Doors) -> Shopper:
    return Shopper(cart)


def told(cart_id: str) -> list[Event]:
    """Return what the outbox says about a cart."""
    with live.database.reading() as session:
        rows = session.all("SELECT event FROM outbox WHERE event LIKE %(id)s ORDER BY created_at", id=f"%{cart_id}%")
    return [decoded(row["event"]) for row in rows]


def changed(cart_id: str) -> Event:
    """Return what the relay would publish about a cart now."""
    [found] = live.redis.ask(("HMGET", keys(cart_id)[0], "version", "packed", "history"))
    return Event(
        id=id_of("cart.changed", cart_id, int(found[0])),
        type="cart.changed",
        schema=1,
        occurred_at=utcnow(),
        aggregate=cart_id,
        version=int(found[0]),
        trace="",
        data=msgspec.Raw(msgspec.json.encode({**msgspec.to_builtins(unpacked(found[1])), "history": found[2]})),
    )
