"""What rules look at: the evidence of the stores beside the journal of the shoppers, and what both say together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cached_property

from msgspec import Struct

from bench.checkout.evidence import Evidence
from bench.checkout.explained import Explained, Lines, changes_of, explain
from bench.checkout.journal import Act, Entry
from bench.checkout.records import Cart, Line


class Case(Struct, frozen=True, kw_only=True, dict=True):
    """What rules look at."""

    evidence: Evidence
    acts: list[Act]
    aside: frozenset[str] = frozenset()
    """Queues whose consumers can't work in this stack."""
    before: dict[str, int] = {}
    """What was given up as undeliverable before the history began, by queue."""

    @cached_property
    def submissions(self) -> list[Act]:
        """The wishes to submit."""
        return [act for act in self.acts if act.what == "submit"]

    @cached_property
    def told(self) -> dict[str, list[Entry]]:
        """What shoppers were told of orders, by order, in the order of time."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for entry in sorted((one for act in self.acts for one in act.entries), key=lambda one: one.answered):
            if entry.what == "follow" and entry.acknowledged:
                found[str(entry.asked["order"])].append(entry)
        return found

    @cached_property
    def acknowledged(self) -> dict[str, list[Entry]]:
        """Acknowledged requests to submit, by order."""
        found: dict[str, list[Entry]] = defaultdict(list)
        for act in self.submissions:
            for entry in act.answers:
                found[str(entry.answer["order_id"])].append(entry)
        return found

    @cached_property
    def lines(self) -> dict[str, list[Line]]:
        """Order lines by order."""
        found: dict[str, list[Line]] = defaultdict(list)
        for line in self.evidence.lines:
            found[line.order_id].append(line)
        return found

    @cached_property
    def carts(self) -> dict[str, Cart]:
        """Every cart as whoever asks for it next finds it: Redis has it, or PostgreSQL a newer one since a failover."""
        live, kept = self.evidence.live, self.evidence.kept
        stale = {
            one.id
            for one in live.values()
            if not one.compared and one.id in kept and one.version < kept[one.id].version
        }
        return {**kept, **{cart: found for cart, found in live.items() if cart not in stale}}

    @cached_property
    def explained(self) -> dict[str, Explained]:
        """Every cart, followed from empty to what it is now."""
        by_cart: dict[str, list[Act]] = defaultdict(list)
        for act in self.acts:
            if act.cart:
                by_cart[act.cart].append(act)
        return {cart: self._explained(cart, acts) for cart, acts in by_cart.items()}

    def _explained(self, cart: str, acts: list[Act]) -> Explained:
        found = self.carts.get(cart)
        merged = found.merged_from if found else ()
        sources = {one: self._held(one) for one in merged}
        return explain(changes_of(acts), sources=sources, final=self._held(cart) if found else None)

    def _held(self, cart: str) -> Lines:
        found = self.carts.get(cart)
        return tuple(sorted(found.lines.items())) if found else ()


Broken = Iterator[tuple[str, str]]
Rule = Callable[[Case], Broken]
