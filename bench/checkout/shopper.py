"""One shopper, who carries out a planned visit and goes by what the shop answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from bench.checkout.asking import Asking, Wish
from bench.checkout.gate import Gate
from bench.checkout.journal import Entry
from bench.checkout.people import Account, offer
from bench.checkout.plan import Step, Visit
from bench.checkout.shop import CONTACT, Goods
from souk_cli.demo.wish import quote_for
from souk_local.patience import keep_looking

FOLLOWED = 20.0  # seconds that a shopper looks again for what became of an order, before going on
GLANCE = 0.05
AT_ONCE = 4  # requests of one shopper at the same moment, at the most


class Cart(Struct):
    """A cart as its shopper knows it."""

    id: str
    token: str
    orders: dict[str, str] = {}
    """Order tokens by order id."""
    decided: set[str] = set()
    """Orders that are known to be decided."""

    @property
    def last_order(self) -> str:
        """The order that was submitted last."""
        return next(reversed(self.orders), "")


class Shop(Struct, frozen=True):
    """What shoppers share: the shop they ask, its staff, its goods, those with an account, and how time is let pass."""

    asking: Asking
    staff: Account
    goods: Sequence[Goods]
    voucher: str
    customers: Sequence[Account]
    let_time_pass: Callable[[str], None]
    helpers: ThreadPoolExecutor
    gate: Gate


class Shopper:
    """One visit."""

    def __init__(self, shop: Shop, visit: Visit) -> None:
        """Come in."""
        self._shop, self._visit = shop, visit
        self._account = None if visit.customer is None else shop.customers[visit.customer]
        self.carts: dict[int, Cart] = {}

    def go(self) -> None:
        """Do all that was planned; what makes no sense with what the shop answered is left out."""
        for step in self._visit.steps:
            if self._shop.gate.ended:
                return
            with self._shop.gate.step():
                rival = self._shop.helpers.submit(self._take, step.beside) if step.beside else None
                self._take(step)
                if rival:
                    rival.result()

    def _take(self, step: Step) -> None:
        if step.what == "open" or step.cart in self.carts or step.what in {"adjust", "reprice"}:
            STEPS[step.what](self, step)

    def _ask(self, step: Step, wish: Wish) -> Entry:
        """Ask for one thing, in the step's manner: at once from several places, and once more afterwards."""
        asking, act = self._shop.asking, str(uuid4())
        more = [self._shop.helpers.submit(asking.act, wish, act) for _ in range(step.at_once - 1)]
        entry = asking.act(wish, act)
        for one in more:
            other = one.result()
            entry = other if not entry.acknowledged else entry
        if step.again and entry.acknowledged:
            asking.act(wish, act)
        return entry

    def _token(self, cart: Cart) -> Callable[[], str]:
        return self._account.token if self._account else lambda: cart.token

    def _key(self, step: Step) -> str:
        return str(uuid4()) if step.keyed else ""

    def _wish(self, step: Step, method: str, where: str = "", **more: Any) -> Wish:
        """Return a wish about a cart, told by whoever holds it."""
        cart = self.carts[step.cart]
        path = f"/cart/carts/{cart.id}{where}"
        return Wish(what=step.what, method=method, path=path, token=self._token(cart), cart=cart.id, **more)

    def open(self, step: Step) -> None:
        """Take an empty cart."""
        token = self._account.token if self._account else str
        entry = self._ask(
            step, Wish(what="open", method="POST", path="/cart/carts", body={}, token=token, key=str(uuid4()))
        )
        if entry.acknowledged:
            cart = Cart(id=str(entry.answer["id"]), token=str(entry.answer.get("token") or ""))
            self.carts[step.cart] = cart

    def add(self, step: Step) -> None:
        """Put something into a cart."""
        sku = self._shop.goods[step.goods].sku
        self._change(step, "POST", "lines", {"sku": sku, "quantity": step.quantity}, sku)

    def put(self, step: Step) -> None:
        """Change how much a line holds."""
        sku = self._shop.goods[step.goods].sku
        self._change(step, "PUT", f"lines/{sku}", {"quantity": step.quantity}, sku)

    def step(self, step: Step) -> None:
        """Change a line by so many more or less."""
        sku = self._shop.goods[step.goods].sku
        self._change(step, "PATCH", f"lines/{sku}", {"by": step.quantity}, sku)

    def clear(self, step: Step) -> None:
        """Take everything out."""
        self._change(step, "DELETE", "lines", None, "")

    def remove(self, step: Step) -> None:
        """Take a line out."""
        sku = self._shop.goods[step.goods].sku
        self._change(step, "DELETE", f"lines/{sku}", None, sku)

    def _change(self, step: Step, method: str, where: str, body: dict[str, Any] | None, sku: str) -> None:
        self._ask(step, self._wish(step, method, f"/{where}", body=body, key=self._key(step), told={"sku": sku}))

    def look(self, step: Step) -> Entry:
        """Look at a cart."""
        look = replace(step, what="look")
        return self._shop.asking.act(self._wish(look, "GET", repeatable=True))

    def merge(self, step: Step) -> None:
        """Move one cart's lines into another."""
        source = self.carts.get(step.other)
        if source is None:
            return
        body = {"source": source.id, "strategy": step.strategy}
        if not self._account:
            body["source_token"] = source.token
        self._ask(step, self._wish(step, "POST", "/merge", body=body, key=self._key(step), repeatable=True))

    def submit(self, step: Step) -> None:
        """Get a quote for what is in the cart now and submit it."""
        cart, seen = self.carts[step.cart], self.look(step)
        lines = [{"sku": one["sku"], "quantity": one["quantity"]} for one in seen.answer.get("lines", [])]
        if not seen.acknowledged or not lines:
            return
        body = quote_for(lines, CONTACT, method=step.method, vouchers=[self._shop.voucher] if step.voucher else [])
        quote = self._shop.asking.act(
            Wish(what="quote", method="POST", path="/order/quotes", body=body, key=str(uuid4()))
        )
        if quote.acknowledged and step.held:
            where = f"/order/quotes/{quote.answer['id']}/reservation"
            self._shop.asking.act(Wish(what="hold", method="PUT", path=where, repeatable=True))
        if quote.acknowledged:
            self._submit(step, cart, seen, quote)

    def _submit(self, step: Step, cart: Cart, seen: Entry, quote: Entry) -> None:
        body, version = {"quote_id": quote.answer["id"], "total": quote.answer["total"]}, str(seen.answer["etag"])
        key = self._key(step)
        entry = self._ask(
            step, self._wish(step, "POST", "/submission", body=body, key=key, seen=version, repeatable=True)
        )
        if entry.acknowledged:
            cart.orders[str(entry.answer["order_id"])] = str(entry.answer["order_token"])

    def follow(self, step: Step) -> Entry | None:
        """Look what became of the last order, again until it is decided or patience ends."""
        cart = self.carts[step.cart]
        return followed(self._shop.asking, cart, cart.last_order) if cart.last_order else None

    def pay(self, step: Step) -> None:
        """Let the money arrive."""
        reference = str(uuid4())
        self._staff(step, "payments", {"method": "transfer", "reference": reference})

    def ship(self, step: Step) -> None:
        """Let staff send it."""
        self._staff(step, "shipments", {"carrier": "post"})

    def cancel(self, step: Step) -> None:
        """Cancel an order, as its customer; for a stranger staff do it."""
        self._staff(step, "cancellation", None, by=self._account)

    def _staff(self, step: Step, where: str, body: dict[str, Any] | None, by: Account | None = None) -> None:
        """Ask for a change of the last order, once it is decided."""
        entry = self.follow(step)
        if entry is None or entry.answer.get("status") in {None, "pending", "rejected"}:
            return
        order = entry.answer["id"]
        wish = Wish(
            what=step.what,
            method="POST",
            path=f"/order/orders/{order}/{where}",
            body=body,
            token=(by or self._shop.staff).token,
            key=str(uuid4()),
            told={"order": order},
        )
        self._ask(step, wish)

    def wait(self, step: Step) -> None:
        """Let the time go by that stock is held for."""
        order = self.carts[step.cart].last_order
        if order:
            self._shop.let_time_pass(order)

    def adjust(self, step: Step) -> None:
        """Let staff receive goods, or find some lost; the note tells the entry of the ledger apart."""
        sku = self._shop.goods[step.goods].sku
        reason = "received" if step.quantity > 0 else "lost"
        wish = Wish(
            what="adjust",
            method="POST",
            path=f"/order/stock/{sku}/adjustments",
            body={"change": step.quantity, "reason": reason, "note": str(uuid4())},
            token=self._shop.staff.token,
            key=str(uuid4()),
            told={"sku": sku},
        )
        self._ask(step, wish)

    def reprice(self, step: Step) -> None:
        """Let staff change a price."""
        goods, token = self._shop.goods[step.goods], self._shop.staff.token
        where = f"/product/products/{goods.id}"
        seen = self._shop.asking.act(Wish(what="staff-look", method="GET", path=where, token=token, repeatable=True))
        if seen.acknowledged:
            body = {"skus": [offer(goods.sku, step.quantity)]}
            etag = str(seen.answer["etag"])
            self._shop.asking.act(
                Wish(what="reprice", method="PATCH", path=where, body=body, token=token, seen=etag, repeatable=True)
            )


STEPS: dict[str, Callable[[Shopper, Step], object]] = {
    "open": Shopper.open,
    "add": Shopper.add,
    "put": Shopper.put,
    "step": Shopper.step,
    "clear": Shopper.clear,
    "remove": Shopper.remove,
    "look": Shopper.look,
    "merge": Shopper.merge,
    "submit": Shopper.submit,
    "follow": Shopper.follow,
    "pay": Shopper.pay,
    "ship": Shopper.ship,
    "cancel": Shopper.cancel,
    "wait": Shopper.wait,
    "adjust": Shopper.adjust,
    "reprice": Shopper.reprice,
}


def followed(asking: Asking, cart: Cart, order: str, patience: float = FOLLOWED) -> Entry:
    """Read an order by its token until it is decided, or patience ends."""
    wish = Wish(
        what="follow",
        method="GET",
        path=f"/order/orders/{order}",
        token=lambda: cart.orders[order],
        cart=cart.id,
        repeatable=True,
        told={"order": order},
    )
    entry = keep_looking(
        lambda: asking.act(wish),
        within=patience,
        pause=GLANCE,
        enough=lambda seen: seen.answer.get("status") != "pending",
    )
    if entry.acknowledged and entry.answer.get("status") != "pending":
        cart.decided.add(order)
    return entry
