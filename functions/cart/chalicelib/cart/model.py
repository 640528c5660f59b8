"""Nouns and rules of the cart service; pure."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from msgspec.structs import replace

from chalicelib.cart.lines import Change, Limits, Lines, Merging, changed, items, merged, of_sku
from souk.errors import Gone, Missing, Refused, Stale
from souk.idempotency import reused
from souk.ids import id_of
from souk.markets import DEFAULT
from souk.money import Money

KEPT_OPERATIONS = 64
KEPT_FOR = timedelta(hours=24)  # operations, and refusals: what the same Idempotency-Key is answered by
MOST_MERGED = 100  # carts that one took over, all of which it remembers
NEW = -1  # the version of what the keeper has yet to give one


class Illegible(Exception):
    """What is kept under these ids cannot be read; whatever else there was to do has been done."""

    def __init__(self, ids: Collection[str]) -> None:
        self.ids = frozenset(ids)
        super().__init__(f"what is kept of these cannot be read: {', '.join(sorted(self.ids))}")


class State(StrEnum):
    """What may be done with a cart: only an open one changes its lines."""

    OPEN = "open"
    FROZEN = "frozen"  # submitted; the order service decides
    CLOSED = "closed"  # became an order
    MERGED = "merged"  # its lines are in another cart


# What shoppers are told: what froze was submitted, what was closed was ordered.
SHOWN = {State.OPEN: "open", State.FROZEN: "submitted", State.CLOSED: "ordered", State.MERGED: "merged"}


class Verdict(StrEnum):
    """What became of a submission."""

    OPEN = "open"
    PLACED = "placed"
    REJECTED = "rejected"
    ABANDONED = "abandoned"  # it came so late that its cart was given back before


AFTER = {Verdict.PLACED: State.CLOSED, Verdict.REJECTED: State.OPEN, Verdict.ABANDONED: State.OPEN}


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why an order was turned down, as the order service says it."""

    code: str
    detail: str = ""
    sku: str | None = None
    asked: int | None = None
    available: int | None = None
    voucher: str | None = None
    accepted: Money | None = None
    due: Money | None = None


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a submission that was turned down; where only the total was in the way there is a new quote."""

    order_id: str
    reasons: tuple[Reason, ...] = ()
    quote_id: str | None = None


class Holder(msgspec.Struct, frozen=True):
    """Who holds a cart: a customer, or whoever has the token with this hash."""

    customer_id: str | None = None
    token_hash: str | None = None


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
    name: str | None = None  # by which its customer finds it
    holder: Holder = Holder()
    lines: Lines = ()
    attempt: int = 0  # how often it was submitted
    frozen_from: int | None = None  # the version that was submitted last
    frozen_at: datetime | None = None
    quote_id: str | None = None
    accepted_total: Money | None = None
    rejection: Rejection | None = None  # why the last submission was turned down
    merged_into: str | None = None
    merging: Merging = Merging.SUM  # how its lines are to be taken over
    merged_from: tuple[str, ...] = ()
    operations: tuple[Operation, ...] = ()
    created_at: datetime
    changed_at: datetime

    @property
    def order_id(self) -> str:
        """The id of the order that the last submission asks for."""
        return id_of("order", self.id, self.attempt)

    @property
    def wanted(self) -> Lines:
        """The lines that are not saved for later."""
        return tuple(line for line in self.lines if not line.later)

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return len(self.wanted)

    @property
    def item_count(self) -> int:
        """How many things there are, all lines together."""
        return items(self.lines)

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
            raise Refused(f"the cart is {SHOWN[self.state]} and takes no changes", code=f"cart-{SHOWN[self.state]}")
        if asked.seen not in {None, self.version}:
            raise Stale(f"the cart is at version {self.version} by now")
        return self

    def revised(self, change: Change, *, asked: Asked, limits: Limits, now: datetime) -> "Cart":
        """Change the lines for its holder, once per key: this cart itself where that was done before.

        Redis decides the same in Lua. Raises Missing, Gone, Invalid, Refused, Stale.
        """
        if self.open_to(asked.holder).operation(asked):
            return self
        lines = changed(self.changeable(asked).lines, change, market=self.market, limits=limits)
        return replace(self, lines=lines).stamped(now, asked, change.sku)

    def takes_one_more(self) -> None:
        """Raise Refused where so many carts were merged into this one that it takes no further one."""
        if len(self.merged_from) >= MOST_MERGED:
            raise Refused(f"a cart takes over at most {MOST_MERGED} others", code="too-many-merges")

    def absorbing(self, source: "Cart", limits: Limits) -> "Cart":
        """Take over the lines of a merged cart, once, as it gave itself up; what is past the limits stays behind."""
        if source.id in self.merged_from:
            return self
        lines = merged(self.lines, source.lines, source.merging, limits)
        return replace(self, lines=lines, merged_from=(*self.merged_from, source.id))

    def merging_into(self, target: str, how: Merging = Merging.SUM) -> "Cart":
        """Give up its lines to another cart, for good. Raises Refused unless it is open or went there before."""
        if self.merged_into == target:
            return self
        if self.state is not State.OPEN:
            raise Refused(f"the cart to be merged is {SHOWN[self.state]}", code=f"cart-{SHOWN[self.state]}")
        return replace(self, state=State.MERGED, merged_into=target, merging=how)

    def kept_back(self) -> "Cart":
        """Take back what it gave up to another cart."""
        return replace(self, state=State.OPEN, merged_into=None)

    def freezing(self, quote_id: str, total: Money, now: datetime) -> "Cart":
        """Submit: from now on the order service decides. Raises Refused for an empty cart."""
        if not self.wanted:
            raise Refused("an empty cart cannot be submitted", code="cart-empty")
        return replace(
            self,
            state=State.FROZEN,
            attempt=self.attempt + 1,
            frozen_from=self.version,
            frozen_at=now,
            quote_id=quote_id,
            accepted_total=total,
            rejection=None,
        )

    def submitted_as(self, seen: int | None) -> bool:
        """Tell whether this is the cart that was submitted at version `seen`: such a submission is a repeated one."""
        return self.state in {State.FROZEN, State.CLOSED} and seen in {self.frozen_from, self.version}

    def settled(self, order_id: str, verdict: Verdict, rejection: Rejection | None = None) -> "Cart":
        """Close or thaw, as the verdict on that order has it; only if it is frozen for just that order."""
        if self.state is not State.FROZEN or self.order_id != order_id or verdict not in AFTER:
            return self
        return replace(self, state=AFTER[verdict], frozen_at=None, rejection=rejection)

    def stamped(self, now: datetime, asked: Asked | None = None, sku: str | None = None) -> "Cart":
        """Return this cart as changed now, with the operation noted where it came under a key."""
        cart = replace(self, version=NEW, changed_at=now)
        if asked is None or asked.key is None:
            return cart
        line = of_sku(cart.lines, sku)
        done = Operation(
            id=asked.key,
            fingerprint=asked.fingerprint,
            at=now,
            sku=sku,
            quantity=line.quantity if line else 0,
            line_count=cart.line_count,
            item_count=cart.item_count,
            attempt=cart.attempt,
        )
        since = whole(now - KEPT_FOR)
        recent = [one for one in self.operations if whole(one.at) > since][-KEPT_OPERATIONS + 1 :]
        return replace(cart, operations=(*recent, done))


def whole(moment: datetime) -> datetime:
    """Return a moment's second: operations are forgotten by it, as texts of fractions do not sort."""
    return moment.replace(microsecond=0)


def versioned(cart: Cart, version: int) -> Cart:
    """Return the cart with the version it was kept under, which its newest operation carries too."""
    operations = tuple(replace(one, version=version) if one.version == NEW else one for one in cart.operations)
    return replace(cart, version=version, operations=operations)
