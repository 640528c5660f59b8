"""The keeper of a shop and its customers: what a journey needs, made in a few lines."""

import time
from typing import Any

from msgspec import Struct

from souk.ids import new_id
from souk_cli import owner
from souk_cli.demo.journey import PASSWORD, Owner
from souk_cli.demo.shop import Reply, Shop, Unexpected
from souk_cli.demo.wish import quote_for
from souk_local.patience import WITHIN, until

FRESH = 600.0  # seconds that a staff token is used; it is good for fifteen minutes


class Goods(Struct, frozen=True):
    """A product on sale."""

    id: str
    sku: str
    title: str
    price: int


class Keeper:
    """The owner of a shop."""

    def __init__(self, shop: Shop, owner: Owner) -> None:
        self.shop = shop
        self._owner = owner
        self._token, self._since = "", 0.0

    @property
    def token(self) -> str:
        """A staff token with every permission."""
        if not self._token or time.monotonic() - self._since > FRESH:
            wish = {"email": self._owner.email, "password": self._owner.password}
            self._token = self.shop.ask("POST", "/admin/sessions", wish, expect=201).body["access_token"]
            self._since = time.monotonic()
        return self._token

    def ask(self, method: str, path: str, json: Any = None, *, expect: int, **headers: str) -> Reply:
        """Ask as the owner."""
        return self.shop.ask(method, path, json, token=self.token, expect=expect, **headers)

    def category(self, name: str, parent: str | None = None) -> str:
        """Make a category."""
        made = self.ask("POST", "/catalog/categories", {"name": name, "parent_id": parent}, expect=201)
        return str(made.body["id"])

    def goods(self, title: str = "", *, price: int = 1000, stock: int = 10, category: str | None = None) -> Goods:
        """Put a new product on sale; a category that was just made is known to products a moment later."""
        sku = f"SKU-{new_id()[-10:]}"
        title = title or f"Thing {sku[-6:]}"
        wish = {"title": title, "brand": "Souk", "category_id": category, "skus": [offer(sku, price)]}
        made = until(lambda: self._made(wish), f"{title} to be made")
        self.ask("PUT", f"/order/stock/{sku}", {"on_hand": stock}, expect=200, if_match='"0"')
        self.ask("PUT", f"/product/products/{made.body['id']}/publication", expect=200, if_match=made.etag)
        return Goods(made.body["id"], sku, title, price)

    def _made(self, wish: dict[str, Any]) -> Reply | None:
        reply = self.shop.ask("POST", "/product/products", wish, token=self.token)
        unheard = reply.status == 422 and reply.body["errors"][0]["pointer"] == "/category_id"
        if reply.status != 201 and not unheard:
            raise Unexpected(f"making {wish} answered {reply.status}: {reply.body}")
        return None if unheard else reply

    def product(self, goods: Goods) -> Reply:
        """Read a product as staff see it."""
        return self.ask("GET", f"/product/products/{goods.id}", expect=200)

    def reprice(self, goods: Goods, price: int) -> Reply:
        """Change a product's price."""
        seen, wish = self.product(goods), {"skus": [offer(goods.sku, price)]}
        return self.ask("PATCH", f"/product/products/{goods.id}", wish, expect=200, if_match=seen.etag)

    def stock(self, goods: Goods) -> dict[str, Any]:
        """Return how much of a product there is."""
        found: dict[str, Any] = self.ask("GET", f"/order/stock/{goods.sku}", expect=200).body
        return found

    def customer(self, name: str = "Ada") -> "Shopper":
        """Let a customer register, sign in and take a cart."""
        email = f"{name.lower()}-{new_id()[-10:]}@example.com"
        wish = {"email": email, "name": name, "password": PASSWORD}
        self.shop.ask("POST", "/customer/customers", wish, expect=201)
        signed = self.shop.ask("POST", "/customer/sessions", {"email": email, "password": PASSWORD}, expect=201)
        return Shopper(self.shop, email=email, token=signed.body["access_token"])

    def stranger(self) -> "Shopper":
        """Let somebody take a cart who doesn't say who they are."""
        return Shopper(self.shop, email=f"stranger-{new_id()[-10:]}@example.com", token="")


class Shopper:
    """Somebody with a cart: a customer by a token of their own, an anonymous shopper by the cart's."""

    def __init__(self, shop: Shop, *, email: str, token: str) -> None:
        self.shop, self.email, self.token = shop, email, token
        self.tickets: dict[str, str] = {}
        self.cart = ""
        self.take_cart()

    def take_cart(self) -> None:
        """Take an empty cart."""
        opened = self.shop.ask("POST", "/cart/carts", {}, token=self.token, expect=201).body
        self.cart, self.token = opened["id"], self.token or opened["token"]

    def add(self, goods: Goods, quantity: int = 1) -> Reply:
        """Put something into the cart; what was just put on sale is known to carts a moment later."""
        wish = {"sku": goods.sku, "quantity": quantity}

        def added() -> Reply | None:
            reply = self.shop.ask("POST", f"/cart/carts/{self.cart}/lines", wish, token=self.token)
            if reply.status not in {200, 409}:
                raise Unexpected(f"adding {wish} answered {reply.status}: {reply.body}")
            return reply if reply.status == 200 else None

        return until(added, f"{goods.sku} to be known to carts")

    def look(self) -> Reply:
        """Look at the cart."""
        return self.shop.get(f"/cart/carts/{self.cart}", token=self.token)

    def quote(self) -> dict[str, Any]:
        """Get a quote for the cart; what was just put on sale is known to orders a moment later."""
        lines = [{"sku": one["sku"], "quantity": one["quantity"]} for one in self.look().body["lines"]]
        wish = quote_for(lines, {"email": self.email, "name": "Somebody"})

        def quoted() -> Reply | None:
            reply = self.shop.ask("POST", "/order/quotes", wish)
            return reply if reply.status == 201 else None

        found: dict[str, Any] = until(quoted, f"a quote for {lines}").body
        return found

    def submit(self, quote: dict[str, Any], **headers: str) -> Reply:
        """Submit the cart for the total of a quote."""
        where, wish = f"/cart/carts/{self.cart}/submission", {"quote_id": quote["id"], "total": quote["total"]}
        headers.setdefault("if_match", self.look().etag)
        reply = self.shop.ask("POST", where, wish, token=self.token, expect=None, **headers)
        if reply.status == 202:
            self.tickets[reply.body["order_id"]] = reply.body["order_token"]
        return reply

    def outcome(self, order: str, *, patience: float = WITHIN) -> dict[str, Any]:
        """Wait for what becomes of a submission."""

        def decided() -> dict[str, Any] | None:
            found: dict[str, Any] = self.shop.get(f"/order/orders/{order}", token=self.tickets[order]).body
            return None if found["status"] == "pending" else found

        return until(decided, f"order {order} to be decided", within=patience)

    def buy(self, *wanted: Goods) -> dict[str, Any]:
        """Fill the cart, submit it and wait for the outcome."""
        for goods in wanted:
            self.add(goods)
        reply = self.submit(self.quote())
        if reply.status != 202:
            raise Unexpected(f"submitting answered {reply.status}: {reply.body}")
        return self.outcome(reply.body["order_id"])


def owner_of() -> Owner:
    """Make an owner of the shop whose settings stand in the environment."""
    made = Owner(f"owner-{new_id()[-10:]}@example.com", f"an owner's own {new_id()}")
    owner.create(made.email, "The owner", made.password)
    return made


def offer(sku: str, price: int) -> dict[str, Any]:
    """Return a SKU at a price."""
    return {"sku": sku, "title": "one", "prices": {"default": {"amount": price, "currency": "USD"}}}


def word() -> str:
    """Return a word that nobody has used before: letters only, so that a slip of the finger is one."""
    return "".join(chr(ord("a") + int(digit, 16)) for digit in new_id()[-12:])


def slip(text: str) -> str:
    """Return a word with two letters swapped, as by a slip of the finger."""
    place = next(place for place in range(4, len(text) - 1) if text[place] != text[place + 1])
    return text[:place] + text[place + 1] + text[place] + text[place + 2 :]
