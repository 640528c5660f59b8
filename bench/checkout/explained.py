"""Explains a cart: looks for an order of its shopper's wishes in which each has the effect that was acknowledged, once.

Acknowledged changes carry the version they made, so their order is known. Wishes whose outcome is unknown may have taken
effect anywhere after they were sent, or not at all; merges are finished by whoever comes first, so only what they did is
known. So a cart is followed through all states that it may have been in. When none is left, something acknowledged was lost,
or something happened twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from bench.checkout.journal import Act, Entry

MOST_STATES = 4_000
CHANGES = frozenset({"add", "put", "step", "clear", "remove", "merge"})
Lines: TypeAlias = tuple[tuple[str, int], ...]


class State(Struct, frozen=True):
    """What a cart may hold, and which uncertain wishes have taken effect by then."""

    lines: Lines
    done: frozenset[str] = frozenset()


class Change(Struct, frozen=True, kw_only=True):
    """A wish for a change, with the version it made where that was acknowledged; None where it is not known."""

    act: str
    what: str
    sku: str = ""
    quantity: int = 0
    source: str = ""
    strategy: str = "sum"
    sent: float
    answered: float
    version: int | None
    answer: dict[str, Any] = {}

    @property
    def uncertain(self) -> bool:
        """Whether it may have taken effect at another moment than that of its answer, or never."""
        return self.version is None or self.what == "merge"


class Explained(Struct, frozen=True, kw_only=True):
    """The states a cart may have been in, by the version from which on they stood; and what could not be explained."""

    at: tuple[tuple[int, frozenset[Lines]], ...]
    faults: tuple[str, ...] = ()
    given_up: bool = False

    def held(self, version: int) -> frozenset[Lines]:
        """Return what the cart may have held at a version."""
        stood = [lines for since, lines in self.at if since <= version]
        return stood[-1] if stood else frozenset()

    @property
    def ever(self) -> frozenset[Lines]:
        """Return all that it may ever have held."""
        return frozenset().union(*(lines for _, lines in self.at))


def changes_of(acts: Iterable[Act]) -> list[Change]:
    """Return the changes among some wishes: all that may have taken effect."""
    return [_change(act) for act in acts if act.what in CHANGES and (act.acknowledged or act.unknown or _half(act))]


def _half(act: Act) -> bool:
    """Tell whether it is a merge: a refused one may have begun, as the source gives itself up first."""
    return act.what == "merge"


def _change(act: Act) -> Change:
    first = act.answers[0] if act.acknowledged else None
    return Change(
        act=act.name,
        what=act.what,
        sku=str(act.asked.get("sku", "")),
        quantity=int(act.asked.get("quantity", act.asked.get("by", 0))),
        source=str(act.asked.get("source", "")),
        strategy=str(act.asked.get("strategy", "sum")),
        sent=act.sent,
        answered=first.answered if first else float("inf"),
        version=int(first.answer["version"]) if first else None,
        answer=first.answer if first else {},
    )


def explain(changes: Sequence[Change], *, sources: Mapping[str, Lines], final: Lines | None) -> Explained:
    """Follow a cart from empty through its changes to what the store holds in the end.

    `sources` are the lines of carts that were merged into this one, by their ids.
    """
    known = sorted((one for one in changes if one.version is not None), key=lambda one: (one.version, one.answered))
    maybe = [one for one in changes if one.uncertain and (one.what != "merge" or one.source in sources)]
    states, faults = frozenset({State(())}), list(_out_of_order(known))
    at: list[tuple[int, frozenset[Lines]]] = [(0, _lines(_closed(states, maybe, sources)))]
    for change in known:
        reachable = _closed(states, maybe, sources)
        if len(reachable) > MOST_STATES:
            return Explained(at=tuple(at), faults=tuple(faults), given_up=True)
        states = frozenset(_after(reachable, change))
        if not states:
            faults.append(f"{change.what} {change.sku or change.source} answered {_short(change)}: {_ways(reachable)}")
            return Explained(at=tuple(at), faults=tuple(faults))
        at.append((change.version or 0, _lines(_closed(states, maybe, sources))))
    ends = _lines(_closed(states, maybe, sources))
    if final is not None and final not in ends:
        faults.append(f"holds {dict(final)} in the end, acknowledged is {[dict(one) for one in sorted(ends)][:3]}")
    return Explained(at=tuple(at), faults=tuple(faults))


def _out_of_order(known: Sequence[Change]) -> Iterator[str]:
    """Tell of changes that were asked for after the answer to another one, and got an older version than that."""
    earliest, name = float("inf"), ""  # answer to any of those with newer versions
    for change in reversed(known):
        if change.sent > earliest:
            yield f"{change.what} {change.sku} was sent after {name} was answered, and has an older version"
        if change.answered < earliest:
            earliest, name = change.answered, f"{change.what} {change.sku}"


def _closed(states: frozenset[State], maybe: Sequence[Change], sources: Mapping[str, Lines]) -> frozenset[State]:
    """Return these states and all that uncertain wishes may have made of them."""
    found, fresh = set(states), set(states)
    while fresh and len(found) <= MOST_STATES:
        fresh = {made for state in fresh for made in _made(state, maybe, sources)} - found
        found |= fresh
    return frozenset(found)


def _made(state: State, maybe: Sequence[Change], sources: Mapping[str, Lines]) -> Iterator[State]:
    for one in maybe:
        mark = one.source if one.what == "merge" else one.act  # a source is merged once, whoever asks
        if mark not in state.done:
            lines = _applied(dict(state.lines), one, sources)
            yield State(lines, state.done | {mark})


def _after(states: Iterable[State], change: Change) -> Iterator[State]:
    """Return what these states are after an acknowledged change, where that would have got just this answer."""
    for state in states:
        if change.what == "merge":
            if change.source in state.done:
                yield state  # whatever came after it belongs to the answer as well
            continue
        lines = _applied(dict(state.lines), change, {})
        if _fits(lines, change):
            yield State(lines, state.done)


def _applied(lines: dict[str, int], change: Change, sources: Mapping[str, Lines]) -> Lines:
    """Return what a change makes of lines."""
    held = lines.get(change.sku, 0)
    if change.what == "add":
        lines[change.sku] = held + change.quantity
    elif change.what == "put" and held:
        lines[change.sku] = change.quantity
    elif change.what == "step" and held:
        lines[change.sku] = held + change.quantity
    elif change.what == "remove":
        lines.pop(change.sku, None)
    elif change.what == "clear":
        lines = {}
    elif change.what == "merge":
        lines = _merged(lines, dict(sources[change.source]), change.strategy)
    return tuple(sorted((sku, quantity) for sku, quantity in lines.items() if quantity > 0))


def _merged(lines: dict[str, int], source: dict[str, int], strategy: str) -> dict[str, int]:
    """Return the lines of two carts as one."""
    if strategy == "replace":
        return source
    both = {sku: (lines.get(sku, 0), source.get(sku, 0)) for sku in lines.keys() | source.keys()}
    return {sku: max(pair) if strategy == "max" else sum(pair) for sku, pair in both.items()}


def _fits(lines: Lines, change: Change) -> bool:
    """Tell whether an answer speaks of these lines; to a repeated request the cart is shown as it is by then."""
    told, held, cart = change.answer, dict(lines), change.answer.get("cart")
    counted = told.get("line_count") == len(held) and told.get("item_count") == sum(held.values())
    shown = cart is None or cart["version"] != told["version"] or lines_of(cart["lines"]) == lines
    return counted and shown and (not change.sku or told.get("quantity", 0) == held.get(change.sku, 0))


def lines_of(lines: Iterable[Mapping[str, Any]]) -> Lines:
    """Return lines as they are compared."""
    return tuple(sorted((str(one["sku"]), int(one["quantity"])) for one in lines))


def _lines(states: Iterable[State]) -> frozenset[Lines]:
    return frozenset(state.lines for state in states)


def _short(change: Change) -> str:
    names = ("version", "quantity", "line_count", "item_count")
    return str({name: change.answer.get(name) for name in names})


def _ways(states: Iterable[State]) -> str:
    held = [dict(state.lines) for state in states]
    return f"it may have held {held[:3]}"


def seen(entry: Entry) -> int:
    """Return the version that a request named in If-Match."""
    return int(entry.seen.strip('"'))
