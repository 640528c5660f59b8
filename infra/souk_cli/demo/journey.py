"""The journey: staff prepare, a customer shops, a second one comes too late, staff fulfil."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from souk.ids import new_id
from souk_cli.demo.shop import Reply, Shop
from souk_cli.demo.wish import quote_for
from souk_local.patience import until

PASSWORD = "a-demonstration-password"  # noqa: S105 - of customers made for the demonstration
Tell = Callable[[str, str, float], None]
"""Told what was asked, what came back in a shop's words, and how many seconds it took."""


class Owner(Struct, frozen=True):
    """Who signs in for the staff."""

    email: str
    password: str


class Shopper(Struct, frozen=True):
    """A customer, signed in, with a cart."""

    email: str
    token: str
    cart: str


class Rare(Struct, frozen=True):
    """The product of which there is one only."""

    id: str
    sku: str
    title: str


class Journey:
    """Plays it against a shop, telling each step."""

    def __init__(self, shop: Shop, owner: Owner, tell: Tell) -> None:
        """Use an owner of the shop for what staff do."""
        self.shop, self._owner, self._tell = shop, owner, tell
        self._mark = new_id()[-6:]

    def play(self) -> None:
        """Play all of it. Raises Unexpected where the shop answers something else than it should, InVain where it never does."""
        staff = self.staff_sign_in()
        rare = self.publish_product(staff)
        self.change_price(staff, rare)
        code = self.make_voucher(staff)
        ada = self.customer_comes("Ada")
        self.search(rare)
        favourites = [one for one in self.recommendations() if one["id"] != rare.id]
        self.fill_cart(ada, rare, favourites)
        order = self.buy(ada, code)
        self.too_late(rare)
        self.fulfil(staff, order, ada)
        self.tidy_up(staff, rare)

    def staff_sign_in(self) -> str:
        """Sign in as the owner."""
        wish = {"email": self._owner.email, "password": self._owner.password}
        reply = self.shop.ask("POST", "/admin/sessions", wish, expect=201)
        self._tell(
            "Staff: sign in",
            f"welcome, your tokens are good for {reply.body['expires_in'] // 60} minutes",
            reply.seconds,
        )
        return str(reply.body["access_token"])

    def publish_product(self, staff: str) -> Rare:
        """Make a product, put one unit of it on the shelf, and put it on sale."""
        title, sku = f"Saffron Threads {self._mark}", f"SAFFRON-{self._mark}"
        price = {"amount": 1499, "currency": "USD"}
        wish = {
            "title": title,
            "brand": "Souk",
            "category_id": self._some_category(),
            "skus": [{"sku": sku, "title": "1 g", "prices": {"default": price}}],
        }
        made = until(lambda: self._made(staff, wish), "a product can be made in a category of the catalog")
        self._tell(
            "Staff: make a product",
            f"a draft of {title} at {money(price)}",
            made.seconds,
        )
        shelf = self.shop.ask("PUT", f"/order/stock/{sku}", {"on_hand": 1}, token=staff, expect=200, if_match='"0"')
        self._tell("Staff: count the stock", f"{shelf.body['on_hand']} on the shelf", shelf.seconds)
        where = f"/product/products/{made.body['id']}/publication"
        live = self.shop.ask("PUT", where, token=staff, expect=200, if_match=made.etag)
        self._tell("Staff: publish it", f"it is {live.body['state']} now", live.seconds)
        return Rare(made.body["id"], sku, title)

    def _made(self, staff: str, wish: dict[str, Any]) -> Reply | None:
        """Make a product; a new category is known to the product service a moment later."""
        reply = self.shop.ask("POST", "/product/products", wish, token=staff)
        return reply if reply.status == 201 else None  # noqa: PLR2004 - Created

    def _some_category(self) -> str | None:
        tree = self.shop.get("/catalog/categories?depth=1").body["items"]
        return tree[0]["id"] if tree else None

    def change_price(self, staff: str, rare: Rare) -> None:
        """Make it cheaper."""
        where = f"/product/products/{rare.id}"
        seen = self.shop.get(where, token=staff)
        price = {"amount": 1299, "currency": "USD"}
        skus = [{"sku": rare.sku, "title": "1 g", "prices": {"default": price}}]
        reply = self.shop.ask("PATCH", where, {"skus": skus}, token=staff, expect=200, if_match=seen.etag)
        self._tell(
            "Staff: change its price", f"{money(price)} from now on, version {reply.body['version']}", reply.seconds
        )
        again = self.shop.ask("PATCH", where, {"skus": skus}, token=staff, expect=412, if_match=seen.etag)
        self._tell("Staff: change it from an old page", f"refused: {again.body['detail']}", again.seconds)

    def customer_comes(self, name: str) -> Shopper:
        """Register, sign in and open a cart."""
        email = f"{name.lower()}-{new_id()[-8:]}@example.com"
        wish = {"email": email, "name": name, "password": PASSWORD}
        made = self.shop.ask("POST", "/customer/customers", wish, expect=201)
        self._tell(f"{name}: register", f"welcome, {made.body['name']}", made.seconds)
        signed = self.shop.ask("POST", "/customer/sessions", {"email": email, "password": PASSWORD}, expect=201)
        token = str(signed.body["access_token"])
        cart = self.shop.ask("POST", "/cart/carts", {}, token=token, expect=201)
        self._tell(f"{name}: sign in and take a cart", "an empty cart", signed.seconds + cart.seconds)
        return Shopper(email, token, cart.body["id"])

    def search(self, rare: Rare) -> None:
        """Find it by its name, and by a slip of the finger."""
        for words in (f"saffron {self._mark}", "safron threds"):
            reply = until(lambda words=words: self._found(words, rare), f"{rare.title} in the search results")  # type: ignore[misc]  # the loop's own words
            first = reply.body["items"][0]
            told = f"{reply.body['total']} found, first {first['title']} at {money(first['price'])}"
            self._tell(f"Ada: search '{words}'", told, reply.seconds)
        broad = self.shop.get("/product/search?q=chocolate&max_price=500")
        facets = ", ".join(f"{one['name']} ({one['count']})" for one in broad.body["facets"]["categories"][:3])
        self._tell(
            "Ada: search 'chocolate' below $5",
            f"{broad.body['total']} found, in {facets or 'no category'}",
            broad.seconds,
        )

    def _found(self, words: str, rare: Rare) -> Reply | None:
        reply = self.shop.get(f"/product/search?q={words.replace(' ', '+')}")
        return reply if rare.id in {one["id"] for one in reply.body["items"]} else None

    def recommendations(self) -> list[dict[str, Any]]:
        """See what others bought together with a best seller."""
        best = self.shop.get("/product/search?q=bananas").body["items"][0]
        reply = until(lambda: self._together(best["id"]), "recommendations from past orders")
        titles = ", ".join(one["title"] for one in reply.body["items"][:3])
        self._tell(f"Ada: what goes with {best['title']}?", f"bought together: {titles}", reply.seconds)
        return [best, *(one for one in reply.body["items"] if one["in_stock"])]

    def _together(self, product: str) -> Reply | None:
        reply = self.shop.get(f"/product/recommendations?product={product}")
        return reply if reply.body["together"] else None

    def fill_cart(self, ada: Shopper, rare: Rare, favourites: list[dict[str, Any]]) -> None:
        """Put things in, change an amount, take one out, and look."""
        skus = [self.shop.get(f"/product/listing/{one['id']}").body["skus"][0]["sku"] for one in favourites[:3]]
        for sku in (rare.sku, *skus):
            reply = until(lambda sku=sku: self._added(ada, sku), f"{sku} can be put into a cart")  # type: ignore[misc]
            self._tell(f"Ada: add {sku}", f"lines in the cart: {reply.body['line_count']}", reply.seconds)
        lines = f"/cart/carts/{ada.cart}/lines"
        more = self.shop.ask("PUT", f"{lines}/{skus[0]}", {"quantity": 3}, token=ada.token, expect=200)
        self._tell("Ada: three of them, please", f"{more.body['quantity']} x {skus[0]}", more.seconds)
        less = self.shop.ask("DELETE", f"{lines}/{skus[-1]}", token=ada.token, expect=200)
        self._tell(f"Ada: no {skus[-1]} after all", f"lines in the cart: {less.body['line_count']}", less.seconds)
        shown = self.shop.get(f"/cart/carts/{ada.cart}", token=ada.token)
        told = "; ".join(f"{one['quantity']} x {one['title']} = {money(one['total'])}" for one in shown.body["lines"])
        self._tell("Ada: show my cart", f"{told}; in all {money(shown.body['subtotal'])}", shown.seconds)

    def _added(self, who: Shopper, sku: str) -> Reply | None:
        """Add to a cart; a product just published is known to carts a moment later."""
        reply = self.shop.ask("POST", f"/cart/carts/{who.cart}/lines", {"sku": sku, "quantity": 1}, token=who.token)
        return reply if reply.status == 200 else None  # noqa: PLR2004 - OK

    def make_voucher(self, staff: str) -> str:
        """Make a voucher that one order may use; return its code."""
        wish = {"code": f"WELCOME-{self._mark.upper()}", "off": 1_000, "usage_limit": 1}
        made = self.shop.ask("POST", "/order/vouchers", wish, token=staff, expect=201)
        told = f"{made.body['code']}: {made.body['off'] / 100:g} % off, for {made.body['usage_limit']} order"
        self._tell("Staff: make a voucher", told, made.seconds)
        return str(made.body["code"])

    def buy(self, who: Shopper, code: str) -> str:
        """Get a quote with a voucher, submit, wait for the order, read it."""
        order = self.submit(who, "Ada", code)
        placed = until(lambda: self._decided(who, order), "the order to be decided")
        self._tell(
            "Ada: what became of it?",
            f"order {placed.body['number']} is {placed.body['status']}: {money(placed.body['totals']['total'])}",
            placed.seconds,
        )
        listed = self.shop.get("/order/orders", token=who.token)
        self._tell("Ada: my orders", f"{len(listed.body['items'])} so far", listed.seconds)
        return order

    def submit(self, who: Shopper, name: str, *vouchers: str) -> str:
        """Submit a cart with a quote; the order's id comes back at once, its outcome a moment later."""
        cart = self.shop.get(f"/cart/carts/{who.cart}", token=who.token)
        lines = [{"sku": one["sku"], "quantity": one["quantity"]} for one in cart.body["lines"]]
        wish = quote_for(lines, {"email": who.email, "name": name}, vouchers=vouchers)
        quote = until(lambda: self._quoted(who, wish), "a quote for the cart")
        total = quote.body["total"]
        self._tell(f"{name}: what will it cost?", told_of(quote.body), quote.seconds)
        accepted = {"quote_id": quote.body["id"], "total": total}
        where = f"/cart/carts/{who.cart}/submission"
        reply = self.shop.ask("POST", where, accepted, token=who.token, expect=202, if_match=cart.etag)
        self._tell(f"{name}: buy", "thank you, we are looking at your order", reply.seconds)
        return str(reply.body["order_id"])

    def _quoted(self, who: Shopper, wish: dict[str, Any]) -> Reply | None:
        reply = self.shop.ask("POST", "/order/quotes", wish, token=who.token)
        return reply if reply.status == 201 else None  # noqa: PLR2004 - Created

    def _decided(self, who: Shopper, order: str) -> Reply | None:
        reply = self.shop.ask("GET", f"/order/orders/{order}", token=who.token)
        pending = reply.status != 200 or reply.body["status"] == "pending"  # noqa: PLR2004 - OK
        return None if pending else reply

    def too_late(self, rare: Rare) -> None:
        """Let a second customer try the last unit, which is sold."""
        bob = self.customer_comes("Bob")
        self.shop.ask(
            "POST", f"/cart/carts/{bob.cart}/lines", {"sku": rare.sku, "quantity": 1}, token=bob.token, expect=200
        )
        order = self.submit(bob, "Bob")
        outcome = until(lambda: self._decided(bob, order), "the second order to be decided")
        why = "; ".join(one["detail"] for one in outcome.body["reasons"])
        self._tell("Bob: what became of it?", f"{outcome.body['status']}: {why}", outcome.seconds)

    def fulfil(self, staff: str, order: str, ada: Shopper) -> None:
        """Note the payment, ship, deliver."""
        where = f"/order/orders/{order}"
        paid = self.shop.ask(
            "POST", f"{where}/payments", {"method": "card", "reference": f"demo-{self._mark}"}, token=staff, expect=201
        )
        self._tell("Staff: it is paid", f"the order is {paid.body['status']}", paid.seconds)
        parcel = {"carrier": "Camel Post", "tracking": f"CP{self._mark.upper()}"}
        shipped = self.shop.ask("POST", f"{where}/shipments", parcel, token=staff, expect=201)
        shipment = shipped.body["shipments"][-1]
        self._tell("Staff: ship it", f"parcel {shipment['tracking']} with {shipment['carrier']}", shipped.seconds)
        delivery = f"{where}/shipments/{shipment['id']}/delivery"
        delivered = self.shop.ask("POST", delivery, token=staff, expect=200)
        self._tell("Staff: it arrived", f"the order is {delivered.body['status']}", delivered.seconds)
        refused = self.shop.ask("POST", f"{where}/cancellation", token=ada.token, expect=409)
        self._tell("Ada: cancel it after all?", f"refused: {refused.body['detail']}", refused.seconds)

    def tidy_up(self, staff: str, rare: Rare) -> None:
        """Put the product in the trash, and recover it; then leave it there."""
        where = f"/product/products/{rare.id}"
        seen = self.shop.get(where, token=staff)
        trashed = self.shop.ask("DELETE", where, token=staff, expect=200, if_match=seen.etag)
        self._tell("Staff: into the trash with it", f"it is {trashed.body['state']}", trashed.seconds)
        back = self.shop.ask("POST", f"{where}/recovery", token=staff, expect=200, if_match=trashed.etag)
        same = "with the same id and SKU" if back.body["skus"][0]["sku"] == rare.sku else "changed"
        self._tell("Staff: no, recover it", f"a {back.body['state']} again, {same}", back.seconds)
        self.shop.ask("DELETE", where, token=staff, expect=200, if_match=back.etag)


def told_of(quote: dict[str, Any]) -> str:
    """Return what a quote comes to, in a line."""
    off = f", less {money(quote['discount'])}" if quote["vouchers"] else ""
    tax = f"{money(quote['tax'])} of it tax" if quote["tax_included"] else f"{money(quote['tax'])} tax"
    rest = f"shipping {money(quote['shipping'])}, in all {money(quote['total'])}, {tax}"
    return f"goods {money(quote['goods'])}{off}, {rest}"


def money(amount: dict[str, Any] | None) -> str:
    """Return an amount as people write it."""
    if amount is None:
        return "no price"
    return f"{amount['amount'] / 100:,.2f} {amount['currency']}"
