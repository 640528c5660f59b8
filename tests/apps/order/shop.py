"""What happens in a shop every day, said in a line each, for the tests of the order service's doors to start from."""

from collections.abc import Sequence
from typing import Any

import msgspec
from doors import Doors, event, staff, token

from chalicelib.order import live
from chalicelib.order.events import CartSubmitted, ProductPublished, PublishedSku
from chalicelib.order.model.submission import SubmittedLine
from chalicelib.order.model.tax import TaxClass
from souk.events import Fact
from souk.ids import id_of, new_id
from souk.money import Money

ADDRESS = {
    "recipient": "Ada Byron",
    "street": "1 Mill Lane",
    "city": "Reno",
    "postal_code": "89501",
    "region": "NV",
    "country": "US",
}


class Shop:
    """What happens in a shop, in a line each."""

    def __init__(self, opened: Doors) -> None:
        self.doors = opened
        self.staff = staff(
            "orders:read",
            "orders:write",
            "stock:read",
            "stock:write",
            "vouchers:read",
            "vouchers:write",
            "taxes:read",
            "taxes:write",
        )

    def sell(
        self, *, stock: int = 10, price: int = 1_999, version: int = 1, tax_class: TaxClass = TaxClass.STANDARD
    ) -> tuple[str, str]:
        """Publish a product of one SKU and put so many on the shelf; return product and SKU."""
        product, sku = new_id(), f"sku-{new_id()}"
        self.publish(product, sku, price=price, version=version, tax_class=tax_class)
        if stock:
            self.adjust(sku, stock)
        return product, sku

    def publish(
        self, product: str, sku: str, *, price: int, version: int, tax_class: TaxClass = TaxClass.STANDARD
    ) -> None:
        priced = PublishedSku(sku=sku, title="500 g", prices={"default": Money(price, "USD")})
        fact = ProductPublished(product_id=product, slug="tea", title="Tea", tax_class=tax_class, skus=(priced,))
        self.deliver("order-products", fact, product, version)

    def deliver(self, consumer: str, fact: Fact, aggregate: str, version: int) -> dict[str, Any]:
        answer = self.doors.deliver(consumer, event(fact, aggregate=aggregate, version=version))
        assert answer["batchItemFailures"] == [], answer
        return answer

    def adjust(self, sku: str, change: int) -> None:
        path = f"/stock/{sku}/adjustments"
        reply = self.doors("POST", path, {"change": change, "reason": "received"}, token=self.staff)
        assert reply.status == 201, reply

    def voucher(self, off: int = 1_000, **more: object) -> str:
        """Make a voucher of 10 % off, or so much; return its code."""
        code = f"OFF-{new_id()[-12:].upper()}"
        reply = self.doors("POST", "/vouchers", {"code": code, "off": off, **more}, token=self.staff)
        assert reply.status == 201, reply
        return code

    def quote(self, *lines: tuple[str, int], method: str = "pickup", **more: object) -> dict[str, Any]:
        reply = self.doors("POST", "/quotes", wish(*lines, method=method, **more))
        assert reply.status == 201, reply
        quoted: dict[str, Any] = reply.body
        return quoted

    def submission(
        self, product: str, sku: str, quantity: int = 1, *, vouchers: Sequence[str] = (), **change: Any
    ) -> CartSubmitted:
        """Return what the cart service tells when a cart of one line is submitted with a fresh quote."""
        quoted = self.quote((sku, quantity), vouchers=vouchers)
        cart = new_id()
        facts: dict[str, Any] = {
            "order_id": id_of("order", cart, 1),
            "cart_id": cart,
            "attempt": 1,
            "market": "default",
            "customer_id": None,
            "lines": (SubmittedLine(sku=sku, product_id=product, quantity=quantity, product_version=1),),
            "quote_id": quoted["id"],
            "accepted_total": Money(**quoted["total"]),
        }
        return CartSubmitted(**(facts | change))

    def submit(self, fact: CartSubmitted) -> str:
        self.deliver("order-submissions", fact, fact.cart_id, fact.attempt)
        return fact.order_id

    def look(self, order_id: str) -> dict[str, Any]:
        """Return an order as the holder of its token sees it."""
        reply = self.doors("GET", f"/orders/{order_id}", token=self.holder(order_id))
        assert reply.status == 200, reply
        found: dict[str, Any] = reply.body
        return found

    def holder(self, order_id: str) -> str:
        """Return the order's token, as the cart service signs it."""
        return token("order", order_id)

    def told(self, type_: str, aggregate: str) -> list[dict[str, object]]:
        """Return what events of a type say about something."""
        sql = (
            "SELECT event FROM outbox WHERE type = %(type)s AND event::jsonb->>'aggregate' = %(aggregate)s ORDER BY id"
        )
        with live.database.reading() as tx:
            rows = tx.all(sql, type=type_, aggregate=aggregate)
        return [msgspec.json.decode(row["event"])["data"] for row in rows]


def wish(*lines: tuple[str, int], method: str = "pickup", **more: object) -> dict[str, object]:
    return {
        "lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines],
        "contact": {"email": "ada@example.com", "name": "Ada Byron"},
        "shipping_address": ADDRESS,
        "shipping_method": method,
        **more,
    }
