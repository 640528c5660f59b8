"""Who shops and who works in the shop: staff, customers with accounts, and the goods on the shelf."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from bench.checkout.asking import Asking, Wish
from bench.checkout.journal import Entry
from bench.checkout.shop import CONTACT, Goods, Unexpected
from souk_cli.demo.wish import quote_for
from souk_local.patience import keep_looking

FRESH = 600.0  # seconds that a token is used; it is good for fifteen minutes
KNOWN_WITHIN = 90.0  # seconds until goods that were just published can be put into carts
GLANCE = 0.2
STOCK = 15


class Account:
    """Somebody who signs in; a token is fetched when the last one is about to end."""

    def __init__(self, asking: Asking, where: str, email: str, password: str) -> None:
        """Sign in at `where` with an address and a password."""
        self._asking, self._where = asking, where
        self._wish = {"email": email, "password": password}
        self._guard = threading.Lock()
        self._token, self._since = "", 0.0

    def token(self) -> str:
        """Return a token that is good for a while; an old one where signing in is not answered."""
        with self._guard:
            if not self._token or time.monotonic() - self._since > FRESH:
                self._sign_in()
            return self._token

    def _sign_in(self) -> None:
        wish = Wish(what="sign-in", method="POST", path=self._where, body=self._wish, repeatable=True)
        entry = self._asking.act(wish)
        if entry.acknowledged:
            self._token, self._since = str(entry.answer["access_token"]), time.monotonic()


def staff(asking: Asking) -> Account:
    """Make an owner of the shop, straight in the admin service's database."""
    from souk_cli import owner

    email, password = f"history-{uuid4().hex[:12]}@example.com", f"an owner's own {uuid4()}"
    owner.create(email, "The owner", password)
    return Account(asking, "/admin/sessions", email, password)


def customer(asking: Asking, number: int) -> Account:
    """Let a customer register."""
    email, password = f"shopper-{number}-{uuid4().hex[:12]}@example.com", f"a shopper's own {uuid4()}"
    wish = {"email": email, "name": f"Shopper {number}", "password": password}
    must(asking, Wish(what="register", method="POST", path="/customer/customers", body=wish, key=str(uuid4())))
    return Account(asking, "/customer/sessions", email, password)


def stocked(asking: Asking, staff: Account, how_many: int) -> list[Goods]:
    """Put fresh products on sale and wait until carts and orders know them."""
    found = [_goods(asking, staff, 100 + 731 * number % 5_000) for number in range(how_many)]
    for goods in found:
        _await_known(asking, goods)
    return found


def voucher(asking: Asking, staff: Account, limit: int) -> str:
    """Make a voucher that is good for so many orders, and return its code."""
    code = f"HISTORY-{uuid4().hex[:8].upper()}"
    wish = {"code": code, "off": 1_000, "usage_limit": limit}
    must(
        asking,
        Wish(what="voucher", method="POST", path="/order/vouchers", body=wish, token=staff.token, key=str(uuid4())),
    )
    return code


def offer(sku: str, price: int) -> dict[str, Any]:
    """Return what a product's document says of a SKU."""
    return {"sku": sku, "title": "one", "prices": {"default": {"amount": price, "currency": "USD"}}}


def _goods(asking: Asking, staff: Account, price: int) -> Goods:
    sku = f"HISTORY-{uuid4().hex[:12]}"

    def ask(what: str, method: str, path: str, body: dict[str, Any] | None, seen: str = "") -> Entry:
        key = str(uuid4()) if method == "POST" else ""
        wish = Wish(
            what=what, method=method, path=path, body=body, token=staff.token, key=key, seen=seen, repeatable=True
        )
        return must(asking, wish)

    made = ask("make", "POST", "/product/products", {"title": f"Thing {sku}", "skus": [offer(sku, price)]})
    first = {"change": STOCK, "reason": "received", "note": f"first {sku}"}
    ask("adjust", "POST", f"/order/stock/{sku}/adjustments", first)
    product = str(made.answer["id"])
    ask("publish", "PUT", f"/product/products/{product}/publication", None, seen=str(made.answer["etag"]))
    return Goods(product, sku)


def _await_known(asking: Asking, goods: Goods) -> None:
    """Wait until somebody could put it into a cart, and get a quote for it."""
    opened = must(asking, Wish(what="open", method="POST", path="/cart/carts", body={}, key=str(uuid4())))
    cart, token = str(opened.answer["id"]), str(opened.answer["token"])
    line = {"sku": goods.sku, "quantity": 1}
    await_answer(
        lambda: asking.act(
            Wish(
                what="add",
                method="POST",
                path=f"/cart/carts/{cart}/lines",
                body=line,
                token=lambda: token,
                cart=cart,
                key=str(uuid4()),
            )
        )
    )
    await_answer(
        lambda: asking.act(
            Wish(
                what="quote",
                method="POST",
                path="/order/quotes",
                body=quote_for([line], CONTACT, method="pickup"),
                key=str(uuid4()),
            )
        )
    )


def await_answer(ask: Callable[[], Entry]) -> Entry:
    """Ask until it is acknowledged. Raises Unexpected when it is not in time."""
    entry = keep_looking(ask, within=KNOWN_WITHIN, pause=GLANCE, enough=lambda seen: seen.acknowledged)
    if not entry.acknowledged:
        raise Unexpected(f"{entry.what} answered {entry.status}: {entry.answer}")
    return entry


def must(asking: Asking, wish: Wish) -> Entry:
    """Ask for something without which nothing goes on. Raises Unexpected."""
    entry = asking.act(wish)
    if not entry.acknowledged:
        raise Unexpected(f"{wish.method} {wish.path} answered {entry.status}: {entry.answer}")
    return entry
