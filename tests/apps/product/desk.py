"""A product desk: the service's doors, a member of staff, and what other services tell."""

from collections.abc import Sequence
from typing import Any

from doors import Doors, Reply, event, staff

from chalicelib.product import events, live
from chalicelib.product.model import Crumb
from souk.events import Event, decoded
from souk.ids import new_id


def told(product_id: str) -> list[Event]:
    """Return the events that wait in a product."""
    with live.documents.documents() as documents:
        found = documents.products.find_one({"_id": product_id})
    assert found is not None
    return [decoded(entry["event"]) for entry in found["outbox"]]


class Desk:
    """Staff at the doors of the product service."""

    def __init__(self, opened: Doors) -> None:
        self.doors = opened
        self.token = staff("products:read", "products:write")

    def __call__(self, method: str, path: str, json: Any = None, **headers: Any) -> Reply:
        return self.doors(method, path, json, token=self.token, **headers)

    def wish(self, title: str = "Green tea", price: int = 250, **fields: Any) -> dict[str, Any]:
        skus = [{"sku": new_id(), "prices": {"default": {"amount": price, "currency": "USD"}}}]
        return {"title": title, "skus": skus, **fields}

    def made(self, title: str = "Green tea", **fields: Any) -> dict[str, Any]:
        reply = self("POST", "/products", self.wish(title, **fields))
        assert reply.status == 201, reply
        return dict(reply.body)

    def move(self, method: str, path: str, seen: dict[str, Any]) -> dict[str, Any]:
        reply = self(method, f"/products/{seen['id']}{path}", if_match=f'"{seen["version"]}"')
        assert reply.status == 200, reply
        return dict(reply.body)

    def published(self, title: str = "Green tea", **fields: Any) -> dict[str, Any]:
        """Return a product on sale that the index knows."""
        one = self.move("PUT", "/publication", self.made(title, **fields))
        self.index(one["id"])
        return one

    def index(self, product_id: str) -> None:
        """Let the indexer take what waits for it, and the index show it."""
        waiting = [one for one in told(product_id) if one.type == events.Changed.TYPE]
        self.takes("product-index", *waiting)
        with live.search.client() as client:
            client.indices.refresh(index="products")

    def takes(self, consumer: str, *events: Event) -> None:
        """Let a consumer take events; it must not refuse any."""
        assert self.doors.deliver(consumer, *events)["batchItemFailures"] == []

    def category(self, name: str, *above: Crumb, known_as: str = "", version: int = 1) -> Crumb:
        """Let the catalog tell of a category."""
        own = Crumb(known_as or new_id(), name, name.lower())
        fact = events.CategoryChanged(category_id=own.id, name=name, path=[*above, own])
        self.takes("product-categories", event(fact, aggregate=own.id, version=version))
        return own

    def stock(self, sku: str, available: int, version: int) -> None:
        """Let the order service tell of a SKU's stock."""
        fact = events.StockChanged(sku=sku, available=available)
        self.takes("product-stock", event(fact, aggregate=sku, version=version))

    def ordered(self, *products: dict[str, Any], quantity: int = 1) -> Event:
        """Return the event of an order of these products."""
        lines: Sequence[events.OrderedLine] = [
            events.OrderedLine(sku=one["skus"][0]["sku"], product_id=one["id"], quantity=quantity) for one in products
        ]
        return event(events.OrderPlaced(order_id=new_id(), lines=list(lines)))
