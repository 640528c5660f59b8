"""The shop as its keeper and its buyers see it over HTTP: goods on sale, carts, quotes, submissions, outcomes."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import cached_property
from typing import Any, Self

import msgspec

from bench.wire import CannotGoOn, Client, Reply
from souk.ids import new_id
from souk_cli import owner
from souk_cli.demo.wish import quote_for
from souk_local.patience import until

PRICE = 1_000  # cents
GLANCE = 0.01  # seconds between looks
PATIENCE = 60.0  # seconds for the effect of an event
WHEN_DECIDED = {"Prefer": "wait=5", "If-None-Match": '"0"'}
CONTACT = {"email": "ada@example.com", "name": "Ada Lovelace"}


class Unexpected(CannotGoOn):
    """The shop answered something else than it has to."""


class Goods(msgspec.Struct, frozen=True):
    """A product on sale, with one SKU."""

    id: str
    sku: str


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """What a submission was answered with."""

    order_id: str
    order_token: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a submission: its status, and the codes of the reasons when it was rejected."""

    status: str
    reasons: tuple[str, ...] = ()


PENDING = Outcome(status="pending")


def expect(status: int, reply: Reply, what: str) -> Reply:
    """Return the reply. Raises Unexpected when its status is another one."""
    if reply.status != status:
        raise Unexpected(f"{what} answered {reply.status}, not {status}: {reply.raw[:400].decode(errors='replace')}")
    return reply


class Keeper:
    """An owner of the shop, made for this run straight in the admin service's database."""

    def __init__(self, base: str) -> None:
        """Keep the shop at `base`."""
        self._client = Client(base)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self._client.close()

    @cached_property
    def token(self) -> str:
        """A staff token with every permission; it is good for a quarter of an hour."""
        email, password = f"bench-{new_id()[-12:]}@example.com", f"an owner's own {new_id()}"
        owner.create(email, "The owner", password)
        reply = self._client.ask("POST", "/admin/sessions", {"email": email, "password": password})
        return str(expect(201, reply, "signing in").body["access_token"])

    def ask(self, method: str, path: str, body: Any, *, status: int, headers: Mapping[str, str]) -> Reply:
        """Ask as the owner."""
        reply = self._client.ask(method, path, body, token=self.token, headers=headers)
        return expect(status, reply, f"{method} {path}")

    def goods(self, *, stock: int, price: int = PRICE) -> Goods:
        """Put a new product on sale; carts and orders get to know it a moment later."""
        sku = f"SKU-{new_id()[-12:]}"
        offer = {"sku": sku, "title": "one", "prices": {"default": {"amount": price, "currency": "USD"}}}
        wish = {"title": f"Thing {sku[-6:]}", "brand": "Souk", "category_id": None, "skus": [offer]}
        made = self.ask("POST", "/product/products", wish, status=201, headers={"Idempotency-Key": new_id()})
        self.ask("PUT", f"/order/stock/{sku}", {"on_hand": stock}, status=200, headers={"If-Match": '"0"'})
        where, seen = f"/product/products/{made.body['id']}/publication", {"If-Match": made.etag}
        self.ask("PUT", where, None, status=200, headers=seen)
        return Goods(made.body["id"], sku)

    def receive(self, goods: Goods, quantity: int) -> None:
        """Put more of something on the shelf."""
        wish = {"change": quantity, "reason": "received"}
        key = {"Idempotency-Key": new_id()}
        self.ask("POST", f"/order/stock/{goods.sku}/adjustments", wish, status=201, headers=key)

    def voucher(self, *, uses: int) -> str:
        """Make a voucher for so many orders; return its code."""
        code = f"BENCH-{new_id()[-12:]}".upper()
        wish = {"code": code, "off": 1_000, "usage_limit": uses}
        self.ask("POST", "/order/vouchers", wish, status=201, headers={"Idempotency-Key": new_id()})
        return code

    def on_sale(self, count: int, *, stock: int) -> list[Goods]:
        """Put new products on sale and wait until carts and quotes know them."""
        found = [self.goods(stock=stock) for _ in range(count)]
        probe = Buyer(self._client)
        probe.open()
        for goods in found:
            until(lambda goods=goods: probe.adding(goods).status == 200, "carts to know it")  # type: ignore[misc]  # the loop's own goods
        until(lambda: probe.quoting().status == 201, "quotes to know it")
        return found


def on_sale(base: str, count: int, *, stock: int) -> list[Goods]:
    """Put new products on sale as an owner made for it."""
    with Keeper(base) as keeper:
        return keeper.on_sale(count, stock=stock)


class Buyer:
    """An anonymous shopper with a cart, who shares a connection with nobody at the same time."""

    def __init__(self, client: Client) -> None:
        """Speak over `client`."""
        self.client = client
        self.cart, self.token, self.etag = "", "", ""
        self.lines: dict[str, int] = {}

    def on(self, client: Client) -> Buyer:
        """Return the same shopper on another connection."""
        other = copy(self)
        other.client = client
        return other

    def open(self) -> Reply:
        """Take an empty cart."""
        reply = self.client.ask("POST", "/cart/carts", {}, headers={"Idempotency-Key": new_id()})
        opened = expect(201, reply, "opening a cart")
        self.cart, self.token, self.etag = opened.body["id"], opened.body["token"], opened.etag
        return reply

    def adding(self, goods: Goods, quantity: int = 1, *, key: str = "") -> Reply:
        """Put something into the cart; return the answer, whatever it is."""
        wish = {"sku": goods.sku, "quantity": quantity}
        headers = {"Idempotency-Key": key} if key else {}
        reply = self.client.ask("POST", f"/cart/carts/{self.cart}/lines", wish, token=self.token, headers=headers)
        if reply.status == 200:
            self.etag = reply.etag
            self.lines[goods.sku] = self.lines.get(goods.sku, 0) + quantity
        return reply

    def add(self, goods: Goods, quantity: int = 1, *, key: str = "") -> Reply:
        """Put something into the cart. Raises Unexpected when that is refused."""
        return expect(200, self.adding(goods, quantity, key=key), f"adding {goods.sku}")

    def look(self) -> Reply:
        """Look at the cart."""
        return expect(200, self.client.ask("GET", f"/cart/carts/{self.cart}", token=self.token), "showing a cart")

    def quoting(self, voucher: str = "") -> Reply:
        """Ask for a quote; return the answer, whatever it is."""
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in self.lines.items()]
        wish = quote_for(lines, CONTACT, vouchers=[voucher] if voucher else [])
        return self.client.ask("POST", "/order/quotes", wish)

    def quote(self, voucher: str = "") -> dict[str, Any]:
        """Get a quote for the lines."""
        found: dict[str, Any] = expect(201, self.quoting(voucher), "a quote").body
        return found

    def submitting(self, quote: Mapping[str, Any], *, key: str = "") -> Reply:
        """Submit the cart as it was last seen, for the total of a quote; return the answer, whatever it is."""
        headers = {"If-Match": self.etag, **({"Idempotency-Key": key} if key else {})}
        wish = {"quote_id": quote["id"], "total": quote["total"]}
        return self.client.ask("POST", f"/cart/carts/{self.cart}/submission", wish, token=self.token, headers=headers)

    def submit(self, quote: Mapping[str, Any], *, key: str = "") -> Ticket:
        """Submit the cart for the total of a quote."""
        reply = expect(202, self.submitting(quote, key=key), "submitting a cart")
        return msgspec.json.decode(reply.raw, type=Ticket)

    def reading(self, ticket: Ticket) -> Outcome:
        """Read what became of a submission, waiting a while for it to be decided where the shop lets us."""
        where = f"/order/orders/{ticket.order_id}"
        reply = self.client.ask("GET", where, token=ticket.order_token, headers=WHEN_DECIDED)
        if reply.status == 304:
            return PENDING
        body = expect(200, reply, "reading an order").body
        return Outcome(status=body["status"], reasons=tuple(reason["code"] for reason in body["reasons"]))

    def outcome(self, ticket: Ticket, *, patience: float = PATIENCE) -> Outcome:
        """Wait for what becomes of a submission."""

        def decided() -> Outcome | None:
            found = self.reading(ticket)
            return None if found == PENDING else found

        return until(decided, f"order {ticket.order_id} to be decided", within=patience, pause=GLANCE)
