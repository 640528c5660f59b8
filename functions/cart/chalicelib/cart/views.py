"""What shoppers are shown."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum

import msgspec

from chalicelib.cart.lines import Line, of_sku
from chalicelib.cart.model import SHOWN, Cart, Operation, Rejection, State
from souk.markets import MARKETS
from souk.money import Money, total


class Code(StrEnum):
    """What may be the matter with a line."""

    PRICE_CHANGED = "price-changed"
    NO_LONGER_SOLD = "no-longer-sold"
    OUT_OF_STOCK = "out-of-stock"
    NOT_ENOUGH = "not-enough"
    BACK_ORDER = "back-order"  # some of it is not there yet
    PRE_ORDER = "pre-order"  # it is not out yet


class Remark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a shopper should know about a line; `left` is how many there are where that is the matter."""

    code: Code
    detail: str
    left: int | None = None


class Shelved(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU as the cart service knows it from events; `available` is None while no stock was ever reported.

    `ready` of the available ones are there; more comes on `expected_on`; before `released_on` it is sold in advance.
    """

    sku: str
    product_id: str
    version: int
    published: bool
    title: str
    product_title: str
    slug: str
    image: str | None = None
    attributes: dict[str, object] = {}
    prices: dict[str, Money] = {}
    available: int | None = None
    ready: int | None = None
    expected_on: date | None = None
    released_on: date | None = None

    @property
    def due_on(self) -> date | None:
        """When what is not there yet can be sent, as far as that is known."""
        return self.released_on or self.expected_on

    def awaited(self, quantity: int) -> int:
        """Return how many of so many are not there yet, and can be ordered nevertheless."""
        if self.available is None or self.available < quantity:
            return 0
        ready = self.available if self.ready is None else self.ready
        return quantity if self.released_on else max(0, quantity - ready)

    @property
    def name(self) -> str:
        """The product's title, with the SKU's own where that says more."""
        own = self.title
        return self.product_title if not own or own == self.product_title else f"{self.product_title}, {own}"


class LineView(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it is now; `seen_price` is what it cost when it was added.

    `awaited` of the quantity are not there yet, and are expected on `due_on` where that is known.
    """

    sku: str
    product_id: str
    quantity: int
    title: str
    slug: str | None = None
    image: str | None = None
    attributes: dict[str, object] = {}
    price: Money
    seen_price: Money
    total: Money
    available: int | None = None
    awaited: int = 0
    due_on: date | None = None
    problems: tuple[Remark, ...] = ()
    note: str = ""


class CartView(msgspec.Struct, frozen=True, kw_only=True):
    """A cart. `subtotal` leaves out what is not sold any more; what is to be paid is said by a quote.

    `rejection` says why the last submission was turned down, until the next one.

    Its state is `open`, `submitted`, `ordered` or `merged`. What is `saved` for later costs nothing and is not ordered.
    """

    id: str
    version: int
    state: str
    market: str
    name: str | None = None
    currency: str
    customer_id: str | None
    lines: tuple[LineView, ...]
    saved: tuple[LineView, ...] = ()
    line_count: int
    item_count: int
    subtotal: Money
    order_id: str | None
    rejection: Rejection | None = None
    created_at: datetime
    changed_at: datetime
    degraded: bool = False


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """A new cart; `token` is what an anonymous shopper holds it by, and is never shown again."""

    id: str
    version: int
    market: str
    name: str | None = None
    currency: str
    token: str | None = None


class CartSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One of a customer's carts."""

    id: str
    version: int
    name: str | None
    state: str
    market: str
    line_count: int
    item_count: int
    changed_at: datetime
    degraded: bool = False


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What a change made of a cart, and of the line it was about; and the cart.

    To a repeated request the numbers are answered as they were, and the cart as it is now.
    """

    id: str
    version: int
    line_count: int
    item_count: int
    sku: str | None = None
    quantity: int = 0
    cart: CartView


def opened(cart: Cart, done: Operation | None, token: str | None) -> Opened:
    """Return the answer to opening a cart."""
    return Opened(
        id=cart.id,
        version=done.version if done else cart.version,
        market=cart.market,
        name=cart.name,
        currency=MARKETS[cart.market].currency,
        token=token,
    )


def summary(cart: Cart, *, degraded: bool = False) -> CartSummary:
    """Return a cart as it stands in a list."""
    return CartSummary(
        id=cart.id,
        version=cart.version,
        name=cart.name,
        state=SHOWN[cart.state],
        market=cart.market,
        line_count=cart.line_count,
        item_count=cart.item_count,
        changed_at=cart.changed_at,
        degraded=degraded,
    )


def changed(cart: Cart, done: Operation | None, sku: str | None, seen: CartView) -> Changed:
    """Return the answer to a change: to one that came before under the same key, with its numbers as they were then."""
    if done is not None:
        return Changed(
            id=cart.id,
            version=done.version,
            line_count=done.line_count,
            item_count=done.item_count,
            sku=done.sku,
            quantity=done.quantity,
            cart=seen,
        )
    line = of_sku(cart.lines, sku)
    return Changed(
        id=cart.id,
        version=cart.version,
        line_count=cart.line_count,
        item_count=cart.item_count,
        sku=sku,
        quantity=line.quantity if line else 0,
        cart=seen,
    )


def view(cart: Cart, shelved: Mapping[str, Shelved] | None, *, degraded: bool) -> CartView:
    """Show a cart with what is known of its products; None when that can't be told at the moment."""
    lines = tuple(_line(line, cart.market, shelved) for line in cart.wanted)
    currency = MARKETS[cart.market].currency
    sold = [line.total for line in lines if not any(one.code is Code.NO_LONGER_SOLD for one in line.problems)]
    return CartView(
        id=cart.id,
        version=cart.version,
        state=SHOWN[cart.state],
        market=cart.market,
        name=cart.name,
        currency=currency,
        customer_id=cart.holder.customer_id,
        lines=lines,
        saved=tuple(_line(line, cart.market, shelved) for line in cart.lines if line.later),
        line_count=len(lines),
        item_count=cart.item_count,
        subtotal=total(sold, currency=currency),
        order_id=cart.order_id if cart.state in {State.FROZEN, State.CLOSED} else None,
        rejection=cart.rejection,
        created_at=cart.created_at,
        changed_at=cart.changed_at,
        degraded=degraded,
    )


def _line(line: Line, market: str, shelved: Mapping[str, Shelved] | None) -> LineView:
    """Show a line; as it was when it was added where nothing newer is known."""
    known = shelved.get(line.sku) if shelved else None
    now = known.prices.get(market) if known else None
    price = now or line.price
    return LineView(
        sku=line.sku,
        product_id=line.product_id,
        quantity=line.quantity,
        title=known.name if known else line.title,
        slug=known.slug if known else None,
        image=known.image if known else None,
        attributes=known.attributes if known else {},
        price=price,
        seen_price=line.price,
        total=price.times(line.quantity),
        available=known.available if known else None,
        awaited=(awaited := known.awaited(line.quantity) if known else 0),
        due_on=known.due_on if known and awaited else None,
        problems=() if shelved is None else tuple(_problems(line, known, now)),
        note=line.note,
    )


def _problems(line: Line, known: Shelved | None, price: Money | None) -> Iterator[Remark]:
    if known is None or price is None or not known.published:
        yield Remark(code=Code.NO_LONGER_SOLD, detail="no longer sold")
        return
    if price != line.price:
        yield Remark(code=Code.PRICE_CHANGED, detail="the price has changed since this was added")
    left = known.available
    if left is not None and left < line.quantity:
        if left > 0:
            yield Remark(code=Code.NOT_ENOUGH, detail=f"only {left} left", left=left)
        else:
            yield Remark(code=Code.OUT_OF_STOCK, detail="out of stock", left=0)
    elif awaited := known.awaited(line.quantity):
        when = f", expected on {known.due_on}" if known.due_on else ""
        if known.released_on:
            yield Remark(code=Code.PRE_ORDER, detail=f"not out yet{when}")
        else:
            yield Remark(code=Code.BACK_ORDER, detail=f"{awaited} of them not there yet{when}")
