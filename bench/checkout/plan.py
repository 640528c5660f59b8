"""What many random shoppers are going to do: drawn from one table of weighted rules by a seed, so that it can be repeated.

A plan knows no answers. It draws from a simple idea of where each visit stands, so that most steps make sense: nobody pays
before something was submitted. Where the shop decides otherwise the step is asked for all the same, and refused.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Literal

import msgspec
from msgspec import Struct

GOODS = 16
CARTS = 3  # that one shopper holds at once
VISIT = 24  # operations of one shopper, more or less
CUSTOMERS = 8
FEW, MANY = 3, 12
OFTEN, SOMETIMES, SELDOM = 0.8, 0.3, 0.15
METHODS = ("standard", "express", "pickup")
STRATEGIES = ("sum", "sum", "max", "replace")

What = Literal[
    "open",
    "add",
    "put",
    "step",
    "clear",
    "remove",
    "look",
    "merge",
    "submit",
    "follow",
    "pay",
    "cancel",
    "ship",
    "wait",
    "adjust",
    "reprice",
]


class Step(Struct, frozen=True, kw_only=True):
    """One wish: which of the shopper's carts, which goods, how many, and in what manner it is asked for."""

    what: What
    cart: int = 0
    other: int = 0
    goods: int = 0
    quantity: int = 0
    method: str = "standard"
    voucher: bool = False
    held: bool = False
    """Whether stock is held for the quote before it is submitted."""
    strategy: str = "sum"
    keyed: bool = True
    at_once: int = 1
    again: bool = False
    beside: Step | None = None
    """Asked for at the same moment, as by a second device."""


class Visit(Struct, frozen=True, kw_only=True):
    """All that one shopper does; `customer` is who signed in, None for a stranger."""

    number: int
    customer: int | None
    steps: tuple[Step, ...]

    @property
    def operations(self) -> int:
        """How many wishes these are."""
        return sum(2 if step.beside else 1 for step in self.steps)


class Idea(Struct):
    """What the plan takes a visit to have come to."""

    lines: list[set[int]] = []
    submitted: set[int] = set()
    merged: set[int] = set()

    @property
    def free(self) -> list[int]:
        """Carts that take changes."""
        return [cart for cart in range(len(self.lines)) if cart not in self.submitted | self.merged]

    @property
    def filled(self) -> list[int]:
        """Carts that could be submitted."""
        return [cart for cart in self.free if self.lines[cart]]


class Rule(Struct, frozen=True):
    """How often a kind of step is drawn, when it can be, and how it is made."""

    weight: int
    when: Callable[[Idea], object]
    make: Callable[[Idea, Random], Step]


def _open(idea: Idea, _: Random) -> Step:
    idea.lines.append(set())
    return Step(what="open", cart=len(idea.lines) - 1)


def _add(idea: Idea, dice: Random) -> Step:
    cart, goods = dice.choice(idea.free), dice.randrange(GOODS)
    idea.lines[cart].add(goods)
    return Step(what="add", cart=cart, goods=goods, quantity=dice.randint(1, FEW))


def _put(idea: Idea, dice: Random) -> Step:
    cart = dice.choice(idea.filled)
    return Step(what="put", cart=cart, goods=dice.choice(sorted(idea.lines[cart])), quantity=dice.randint(1, FEW))


def _step(idea: Idea, dice: Random) -> Step:
    cart = dice.choice(idea.filled)
    by = dice.choice((-2, -1, 1, 2))
    return Step(what="step", cart=cart, goods=dice.choice(sorted(idea.lines[cart])), quantity=by)


def _clear(idea: Idea, dice: Random) -> Step:
    cart = dice.choice(idea.filled)
    idea.lines[cart] = set()
    return Step(what="clear", cart=cart)


def _remove(idea: Idea, dice: Random) -> Step:
    cart = dice.choice(idea.filled)
    goods = dice.choice(sorted(idea.lines[cart]))
    idea.lines[cart].discard(goods)
    return Step(what="remove", cart=cart, goods=goods)


def _look(idea: Idea, dice: Random) -> Step:
    return Step(what="look", cart=dice.randrange(len(idea.lines)))


def _merge(idea: Idea, dice: Random) -> Step:
    into, source = dice.sample(idea.free, 2)
    idea.lines[into] |= idea.lines[source]
    idea.merged.add(source)
    return Step(what="merge", cart=into, other=source, strategy=dice.choice(STRATEGIES))


def _submit(idea: Idea, dice: Random) -> Step:
    cart = dice.choice(idea.filled)
    idea.submitted.add(cart)
    voucher, held = dice.random() < SOMETIMES, dice.random() < SELDOM
    return Step(what="submit", cart=cart, method=dice.choice(METHODS), voucher=voucher, held=held)


def _after(what: What) -> Callable[[Idea, Random], Step]:
    """Return what makes a step about something that was submitted."""
    return lambda idea, dice: Step(what=what, cart=dice.choice(sorted(idea.submitted)))


def _adjust(_: Idea, dice: Random) -> Step:
    change = dice.choice((-FEW, -1, 1, FEW, MANY))
    return Step(what="adjust", goods=dice.randrange(GOODS), quantity=change)


def _reprice(_: Idea, dice: Random) -> Step:
    return Step(what="reprice", goods=dice.randrange(GOODS), quantity=dice.randint(100, 9_999))


RULES: tuple[Rule, ...] = (
    Rule(6, lambda idea: len(idea.lines) < CARTS, _open),
    Rule(30, lambda idea: idea.free, _add),
    Rule(9, lambda idea: idea.filled, _put),
    Rule(5, lambda idea: idea.filled, _step),
    Rule(1, lambda idea: idea.filled, _clear),
    Rule(6, lambda idea: idea.filled, _remove),
    Rule(6, lambda idea: idea.lines, _look),
    Rule(5, lambda idea: len(idea.free) > 1, _merge),
    Rule(10, lambda idea: idea.filled, _submit),
    Rule(5, lambda idea: idea.submitted, _after("follow")),
    Rule(5, lambda idea: idea.submitted, _after("pay")),
    Rule(4, lambda idea: idea.submitted, _after("cancel")),
    Rule(2, lambda idea: idea.submitted, _after("ship")),
    Rule(2, lambda idea: idea.submitted, _after("wait")),
    Rule(8, lambda _: True, _adjust),
    Rule(1, lambda _: True, _reprice),
)
CHANGES = frozenset({"add", "put", "step", "clear", "remove", "merge", "submit", "pay", "cancel", "adjust"})
REPEATABLE = CHANGES - {"pay", "adjust"}  # without a key these would be another wish


def plan(seed: int, operations: int) -> list[Visit]:
    """Return visits of so many operations; the first ones of a longer plan are those of a shorter one."""
    visits: list[Visit] = []
    left = operations
    while left > 0:
        visits.append(_visit(seed, len(visits), min(left, VISIT)))
        left -= visits[-1].operations
    return visits


def _visit(seed: int, number: int, operations: int) -> Visit:
    dice = Random(f"{seed}/{number}")  # noqa: S311 - it has to be repeatable
    idea, steps = Idea(), list[Step]()
    customer = dice.randrange(CUSTOMERS) if number % 5 == 0 else None
    while sum(2 if step.beside else 1 for step in steps) < operations:
        steps.append(_drawn(idea, dice))
    return Visit(number=number, customer=customer, steps=tuple(steps))


def _drawn(idea: Idea, dice: Random) -> Step:
    """Draw a step that makes sense now, and how it is asked for."""
    possible = [rule for rule in RULES if rule.when(idea)] if idea.lines else [RULES[0]]
    [rule] = dice.choices(possible, [one.weight for one in possible])
    step = rule.make(idea, dice)
    if step.what not in CHANGES:
        return step
    return _in_a_manner(step, idea, dice)


def _in_a_manner(step: Step, idea: Idea, dice: Random) -> Step:
    """Say whether it comes with a key, twice at once, once more, or beside another wish for the same cart."""
    keyed = step.what not in REPEATABLE or dice.random() < OFTEN
    at_once = dice.choice((1, 1, 1, 1, 1, 1, 2, 3)) if keyed or step.what == "submit" else 1
    again = keyed and dice.random() < SELDOM
    beside = _rival(step, idea, dice) if step.what in {"add", "put", "submit"} and dice.random() < SELDOM else None
    return msgspec.structs.replace(step, keyed=keyed, at_once=at_once, again=again, beside=beside)


def _rival(step: Step, idea: Idea, dice: Random) -> Step:
    """Return another wish for the same cart at the same moment."""
    if dice.random() < SOMETIMES and idea.lines[step.cart]:
        idea.submitted.add(step.cart)
        return Step(what="submit", cart=step.cart)
    goods = dice.randrange(GOODS)
    idea.lines[step.cart].add(goods)
    return Step(what="add", cart=step.cart, goods=goods, quantity=1)
