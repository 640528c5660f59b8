"""Nouns and rules of the cart service; pure."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec.structs import replace

from souk.errors import Gone, Missing, Refused, Stale
from souk.idempotency import reused
from souk.ids import id_of
from souk.markets import DEFAULT
from souk.money import Money

MOST_OF_ONE = 999
MOST_LINES = 200
KEPT_OPERATIONS = 64
KEPT_FOR = timedelta(hours=24)
NEW = -1  # the version of what the keeper has yet to give one

Quantity = Annotated[int, msgspec.Meta(ge=1, le=MOST_OF_ONE)]
Sku = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,64}$(?!\n)", description="stock keeping unit")]


class State(StrEnum):
    """What may be done with a cart: only an open one changes its lines."""

    OPEN = "open"
    FROZEN = "frozen"  # submitted; the order service decides
    CLOSED = "closed"  # became an order
    MERGED = "merged"  # its lines are in another cart


class Verdict(StrEnum):
    """What became of a submission."""

    OPEN = "open"
    PLACED = "placed"
    REJECTED = "rejected"
    ABANDONED = "abandoned"  # it came so late that its cart was given back before


AFTER = {Verdict.PLACED: State.CLOSED, Verdict.REJECTED: State.OPEN, Verdict.ABANDONED: State.OPEN}


class Holder(msgspec.Struct, frozen=True):
    """Who holds a cart: a customer, or whoever has the token with this hash."""

    customer_id: str | None = None
    token_hash: str | None = None


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What can be put into a cart: a published SKU as the cart service knows it."""

    sku: str
    product_id: str
    product_version: int
    title: str
    price: Money


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A wish for a quantity of one SKU; title, price and product version are what the shopper saw when adding it."""

    sku: str
    product_id: str
    product_version: int
    title: str
    price: Money
    quantity: int


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """A change that came with an Idempotency-Key, and what was answered to it.

    Defaults are written out: whoever keeps the cart replaces NEW in its document.
    """

    id: str
    fingerprint: str
    at: datetime
    version: int = NEW
    sku: str | None = None
    quantity: int = 0
    line_count: int = 0
    item_count: int = 0
    attempt: int = 0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """How a change was asked for: by whom, having seen which version, under which Idempotency-Key."""

    holder: Holder
    seen: int | None = None
    key: str | None = None
    fingerprint: str = ""


class Cart(msgspec.Struct, frozen=True, kw_only=True):
    """A cart; the same document in Redis, in PostgreSQL and in its events."""

    id: str
    version: int = NEW
    state: State = State.OPEN
    market: str = DEFAULT
    holder: Holder = Holder()
    lines: tuple[Line, ...] = ()
    attempt: int = 0  # how often it was submitted
    frozen_from: int | None = None  # the version that was submitted last
    frozen_at: datetime | None = None
    quote_id: str | None = None
    accepted_total: Money | None = None
    merged_into: str | None = None
    merged_from: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    created_at: datetime
    changed_at: datetime

    @property
    def order_id(self) -> str:
        """The id of the order that the last submission asks for."""
        return id_of("order", self.id, self.attempt)

    @property
    def item_count(self) -> int:
        """How many things there are, all lines together."""
        return sum(line.quantity for line in self.lines)

    def line(self, sku: str | None) -> Line | None:
        """Return the line of that SKU, if there is one."""
        return next((line for line in self.lines if line.sku == sku), None)

    def open_to(self, holder: Holder) -> "Cart":
        """Return this cart to its holder. Raises Missing for anybody else, Gone for one merged into another."""
        if holder == Holder() or self.holder != holder:
            raise Missing("there is no such cart")
        if self.merged_into is not None:
            raise Gone("this cart was merged into another", moved_to=f"/cart/carts/{self.merged_into}")
        return self

    def operation(self, asked: Asked) -> Operation | None:
        """Return what the same request did when it came before. Raises Invalid where the key had another body."""
        known = next((one for one in self.operations if one.id == asked.key), None) if asked.key else None
        if known is not None and known.fingerprint != asked.fingerprint:
            raise reused()
        return known

    def changeable(self, asked: Asked) -> "Cart":
        """Return this cart if its lines may change. Raises Refused, or Stale where another version was seen."""
        if self.state is not State.OPEN:
            raise Refused(f"the cart is {self.state} and takes no changes", code=f"cart-{self.state}")
        if asked.seen not in {None, self.version}:
            raise Stale(f"the cart is at version {self.version} by now")
        return self

    def adding(self, offer: Offer, quantity: int) -> "Cart":
        """Put more of a SKU in. Raises Refused past the limits of a line or a cart."""
        held = self.line(offer.sku)
        return self.holding(offer, quantity + (held.quantity if held else 0))

    def holding(self, offer: Offer, quantity: int) -> "Cart":
        """Make the line of a SKU hold this quantity; a new line comes last. Raises Refused past the limits."""
        if quantity > MOST_OF_ONE:
            raise Refused(f"a line holds at most {MOST_OF_ONE}", code="too-many-of-one")
        line = Line(
            sku=offer.sku,
            product_id=offer.product_id,
            product_version=offer.product_version,
            title=offer.title,
            price=offer.price,
            quantity=quantity,
        )
        lines = tuple(line if held.sku == line.sku else held for held in self.lines)
        if self.line(offer.sku) is None:
            lines = (*lines, line)
        if len(lines) > MOST_LINES:
            raise Refused(f"a cart holds at most {MOST_LINES} lines", code="too-many-lines")
        return replace(self, lines=lines)

    def having(self, sku: str, quantity: int) -> "Cart":
        """Change the quantity of a line that is there. Raises Missing where it is not."""
        held = self.line(sku)
        if held is None:
            raise Missing(f"the cart has no line of {sku}")
        changed = replace(held, quantity=quantity)
        return replace(self, lines=tuple(changed if line is held else line for line in self.lines))

    def without(self, sku: str) -> "Cart":
        """Take a line out. Raises Missing where there is none."""
        if self.line(sku) is None:
            raise Missing(f"the cart has no line of {sku}")
        return replace(self, lines=tuple(line for line in self.lines if line.sku != sku))

    def absorbing(self, source: "Cart") -> "Cart":
        """Take over the lines of a merged cart, once: quantities add up, what is past the limits stays behind."""
        if source.id in self.merged_from:
            return self
        lines = {line.sku: line for line in self.lines}
        for line in source.lines:
            held = lines.get(line.sku)
            if held is not None:
                lines[line.sku] = replace(held, quantity=min(held.quantity + line.quantity, MOST_OF_ONE))
            elif len(lines) < MOST_LINES:
                lines[line.sku] = line
        return replace(self, lines=tuple(lines.values()), merged_from=(*self.merged_from, source.id))

    def merging_into(self, target: str) -> "Cart":
        """Give up its lines to another cart, for good. Raises Refused unless it is open or went there before."""
        if self.merged_into == target:
            return self
        if self.state is not State.OPEN:
            raise Refused(f"the cart to be merged is {self.state}", code=f"cart-{self.state}")
        return replace(self, state=State.MERGED, merged_into=target)

    def kept_back(self) -> "Cart":
        """Take back what it gave up to another cart."""
        return replace(self, state=State.OPEN, merged_into=None)

    def freezing(self, quote_id: str, total: Money, now: datetime) -> "Cart":
        """Submit: from now on the order service decides. Raises Refused for an empty cart."""
        if not self.lines:
            raise Refused("an empty cart cannot be submitted", code="cart-empty")
        return replace(
            self,
            state=State.FROZEN,
            attempt=self.attempt + 1,
            frozen_from=self.version,
            frozen_at=now,
            quote_id=quote_id,
            accepted_total=total,
        )

    def submitted_as(self, seen: int | None) -> bool:
        """Tell whether this is the cart that was submitted at version `seen`: such a submission is a repeated one."""
        return self.state in {State.FROZEN, State.CLOSED} and seen in {self.frozen_from, self.version}

    def settled(self, order_id: str, verdict: Verdict) -> "Cart":
        """Close or thaw, as the verdict on that order has it; only if it is frozen for just that order."""
        if self.state is not State.FROZEN or self.order_id != order_id or verdict not in AFTER:
            return self
        return replace(self, state=AFTER[verdict], frozen_at=None)

    def stamped(self, now: datetime, asked: Asked | None = None, sku: str | None = None) -> "Cart":
        """Return this cart as changed now, with the operation noted where it came under a key."""
        cart = replace(self, version=NEW, changed_at=now)
        if asked is None or asked.key is None:
            return cart
        line = cart.line(sku)
        done = Operation(
            id=asked.key,
            fingerprint=asked.fingerprint,
            at=now,
            sku=sku,
            quantity=line.quantity if line else 0,
            line_count=len(cart.lines),
            item_count=cart.item_count,
            attempt=cart.attempt,
        )
        recent = [one for one in self.operations if one.at > now - KEPT_FOR][-KEPT_OPERATIONS + 1 :]
        return replace(cart, operations=(*recent, done))


def versioned(cart: Cart, version: int) -> Cart:
    """Return the cart with the version it was kept under, which its newest operation carries too."""
    operations = tuple(replace(one, version=version) if one.version == NEW else one for one in cart.operations)
    return replace(cart, version=version, operations=operations)
