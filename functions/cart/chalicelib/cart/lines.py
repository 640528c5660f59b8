"""The lines of a cart, and the rules by which they change; pure."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec.structs import replace

from souk.errors import Missing, Refused
from souk.money import Money

MOST_OF_ONE = 9_999  # of what may be asked for at once; a shop's own limit is a setting below it
Quantity = Annotated[int, msgspec.Meta(ge=1, le=MOST_OF_ONE)]
Step = Annotated[int, msgspec.Meta(ge=-MOST_OF_ONE, le=MOST_OF_ONE)]
Sku = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,64}$(?!\n)", description="stock keeping unit")]
Words = Annotated[str, msgspec.Meta(max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$(?!\n)")]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much a cart may hold. What is past a limit may stay and become less, it only can't become more."""

    of_one: int = 999
    lines: int = 200
    items: int = 9_999


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What can be put into a cart: a published SKU as the cart service knows it."""

    sku: str
    product_id: str
    product_version: int
    title: str
    price: Money


class Line(Offer, frozen=True, kw_only=True):
    """A wish for a quantity of one SKU; title, price and product version are what the shopper saw when adding it.

    What is saved for `later` lies beside the cart: it costs nothing and is not submitted.
    """

    quantity: int
    note: str = ""
    later: bool = False


Lines = tuple[Line, ...]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to become of a line; without a SKU, of all of them: they go, and what is saved for later stays."""

    sku: str | None = None
    offers: dict[str, Offer] | None = None  # by market, what a line is made of; without them it has to be there
    quantity: int | None = None  # a line of nothing goes
    by: int = 0
    later: bool | None = None
    note: str | None = None

    def of(self, held: Line | None, market: str) -> Line:
        """Return the line that becomes of the one held. Raises Missing for none, Refused for what is not sold."""
        line = held
        if self.offers is not None:
            if market not in self.offers:
                raise Refused(f"there is no {self.sku} to be bought", code="unknown-product")
            offer = msgspec.structs.asdict(self.offers[market])
            line = replace(held, **offer) if held else Line(**offer, quantity=0)
        if line is None:
            raise Missing(f"the cart has no line of {self.sku}")
        return replace(
            line,
            quantity=line.quantity + self.by if self.quantity is None else self.quantity,
            later=line.later if self.later is None else self.later,
            note=line.note if self.note is None else self.note,
        )


class Merging(StrEnum):
    """How the lines of two carts become those of one."""

    SUM = "sum"  # quantities add up
    MAX = "max"  # the larger quantity counts
    REPLACE = "replace"  # the other cart's lines take the place of these


def of_sku(lines: Lines, sku: str | None) -> Line | None:
    """Return the line of that SKU, if there is one."""
    return next((line for line in lines if line.sku == sku), None)


def items(lines: Lines) -> int:
    """Return how many things there are, all lines together."""
    return sum(line.quantity for line in lines if not line.later)


def changed(lines: Lines, change: Change, *, market: str, limits: Limits) -> Lines:
    """Return the lines after a change. Raises Missing for a line that is not there, Refused past a limit.

    Redis decides by the same rule in Lua (`scripts.CHANGE`); one suite of tests compares the two.
    """
    if change.sku is None:
        return tuple(line for line in lines if line.later)
    held = of_sku(lines, change.sku)
    line = change.of(held, market)
    after = (*lines, line) if held is None else tuple(line if one is held else one for one in lines)
    after = tuple(one for one in after if one.quantity > 0)
    if line.quantity > (held.quantity if held else 0) and line.quantity > limits.of_one:
        raise Refused(f"a line holds at most {limits.of_one}", code="too-many-of-one")
    if len(after) > len(lines) and len(after) > limits.lines:
        raise Refused(f"a cart holds at most {limits.lines} lines", code="too-many-lines")
    if items(after) > items(lines) and items(after) > limits.items:
        raise Refused(f"a cart holds at most {limits.items} things", code="too-many-items")
    return after


def merged(ours: Lines, theirs: Lines, how: Merging, limits: Limits) -> Lines:
    """Return our lines with theirs among them; what is past the limits stays behind."""
    kept = {line.sku: line for line in ours if how is not Merging.REPLACE or line.later}
    room = limits.items - sum(line.quantity for line in kept.values() if not line.later)
    for line in theirs:
        held = kept.get(line.sku)
        if held is None and len(kept) >= limits.lines:
            continue
        one = _joined(held, line, how, limits)
        before = 0 if held is None or held.later else held.quantity
        quantity = one.quantity if one.later else min(one.quantity, max(room + before, before))
        if quantity > 0:
            kept[line.sku] = replace(one, quantity=quantity)
            room -= 0 if one.later else quantity - before
    return tuple(kept.values())


def _joined(held: Line | None, line: Line, how: Merging, limits: Limits) -> Line:
    if held is None:
        return replace(line, quantity=min(line.quantity, limits.of_one))
    wished = {
        Merging.SUM: held.quantity + line.quantity,
        Merging.MAX: max(held.quantity, line.quantity),
        Merging.REPLACE: line.quantity,
    }[how]
    quantity = max(min(wished, limits.of_one), min(held.quantity, wished))
    return replace(held, quantity=quantity, later=held.later and line.later, note=held.note or line.note)
