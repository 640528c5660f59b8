"""Carts are explained by what was acknowledged; nothing lost and nothing doubled can be explained away."""

from typing import Any

import pytest
from bench.checkout.explained import Change, Lines, explain
from hypothesis import given, settings
from hypothesis import strategies as some

SKUS = ("tea", "cup", "pot")
WISHES = some.lists(
    some.tuples(
        some.sampled_from(("add", "put", "step", "clear", "remove")),
        some.sampled_from(SKUS),
        some.integers(1, 5),
        some.booleans(),
    ),
    max_size=12,
)


def played(wishes: list[tuple[str, str, int, bool]]) -> tuple[list[Change], dict[str, int]]:
    """Do all wishes, one after the other; of those that are not acknowledged nobody knows whether they were done."""
    held: dict[str, int] = {}
    changes = []
    for number, (what, sku, quantity, acknowledged) in enumerate(wishes, 1):
        if what != "add" and sku not in held:
            continue
        _do(held, what, sku, quantity)
        changes.append(_change(number, what, sku, quantity, held if acknowledged else None))
    return changes, held


def _do(held: dict[str, int], what: str, sku: str, quantity: int) -> None:
    if what == "clear":
        held.clear()
    elif what == "remove":
        del held[sku]
    else:
        held[sku] = quantity + (held.get(sku, 0) if what != "put" else 0)


def _change(number: int, what: str, sku: str, quantity: int, held: dict[str, int] | None) -> Change:
    answer: dict[str, Any] = {}
    if held is not None:
        items = sum(held.values())
        answer = {"version": number, "quantity": held.get(sku, 0), "line_count": len(held), "item_count": items}
    known = {
        "act": str(number),
        "what": what,
        "sku": sku,
        "quantity": quantity,
        "sent": float(number),
        "answer": answer,
    }
    return Change(answered=number + 0.5, version=None if held is None else number, **known)  # type: ignore[arg-type]  # named above


def lines(held: dict[str, int]) -> Lines:
    return tuple(sorted(held.items()))


@settings(deadline=None)
@given(WISHES)
def test_what_happened_is_explained(wishes: list[tuple[str, str, int, bool]]) -> None:
    changes, held = played(wishes)
    assert explain(changes, sources={}, final=lines(held)).faults == ()


@settings(deadline=None)
@given(WISHES)
def test_a_cart_is_known_at_each_version_that_was_acknowledged(wishes: list[tuple[str, str, int, bool]]) -> None:
    known = [(what, sku, quantity, True) for what, sku, quantity, _ in wishes]
    changes, held = played(known)
    found = explain(changes, sources={}, final=None)
    assert found.held(len(wishes)) == {lines(held)}


@settings(deadline=None)
@given(WISHES, some.integers(0, 11))
def test_a_lost_change_is_not_explained(wishes: list[tuple[str, str, int, bool]], lost: int) -> None:
    known = [("add", sku, quantity, True) for _, sku, quantity, _ in wishes]
    changes, held = played(known)
    if not changes:
        return
    one = changes[lost % len(changes)]
    held[one.sku] -= one.quantity
    end = {sku: quantity for sku, quantity in held.items() if quantity}
    assert explain(changes, sources={}, final=lines(end)).faults != ()


@settings(deadline=None)
@given(WISHES, some.integers(0, 11))
def test_a_change_that_took_effect_twice_is_not_explained(wishes: list[tuple[str, str, int, bool]], one: int) -> None:
    known = [("add", sku, quantity, True) for _, sku, quantity, _ in wishes]
    changes, held = played(known)
    if not changes:
        return
    doubled = changes[one % len(changes)]
    held[doubled.sku] += doubled.quantity
    assert explain(changes, sources={}, final=lines(held)).faults != ()


def test_a_merged_cart_is_in_its_target_once() -> None:
    merge = Change(act="m", what="merge", source="other", sent=1, answered=2, version=5)
    sources: dict[str, Lines] = {"other": (("tea", 2),)}
    assert explain([merge], sources=sources, final=(("tea", 2),)).faults == ()
    assert explain([merge], sources=sources, final=(("tea", 4),)).faults != ()
    assert explain([merge], sources=sources, final=()).faults != ()
    assert explain([merge], sources={}, final=()).faults != ()


@pytest.mark.parametrize(("strategy", "quantity"), [("sum", 5), ("max", 3), ("replace", 2)])
def test_a_merged_cart_has_what_the_strategy_says(strategy: str, quantity: int) -> None:
    add = _change(1, "add", "tea", 3, {"tea": 3})
    merge = Change(
        act="m", what="merge", source="other", strategy=strategy, sent=2, answered=3, version=2, quantity=quantity
    )
    found = explain([add, merge], sources={"other": (("tea", 2),)}, final=(("tea", quantity),))
    assert found.faults == ()


def test_a_version_that_goes_back_in_time_is_found() -> None:
    early = _change(1, "add", "tea", 1, {"tea": 1})
    late = Change(
        act="2", what="add", sku="tea", quantity=1, sent=5, answered=6, version=0, answer={**early.answer, "version": 0}
    )
    assert any("older version" in fault for fault in explain([early, late], sources={}, final=None).faults)
