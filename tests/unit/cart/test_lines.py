"""How the lines of a cart change, and how two carts' become one's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from chalicelib.cart.lines import Change, Limits, Line, Lines, Merging, Offer, changed, items, merged
from souk.errors import Missing, Refused
from souk.money import Money

LIMITS = Limits(of_one=9, lines=4, items=20)
SKUS = st.sampled_from("abcdef")


def offers(sku: str) -> dict[str, Offer]:
    offer = Offer(sku=sku, product_id="p", product_version=1, title="Tea", price=Money(250, "USD"))
    return {"default": offer}


def line(sku: str, quantity: int, *, later: bool = False) -> Line:
    return Line(**asdict(offers(sku)["default"]), quantity=quantity, later=later)


def adding(sku: str, quantity: int) -> Change:
    return Change(sku=sku, offers=offers(sku), by=quantity, later=False)


def after(lines: Lines, change: Change, limits: Limits = LIMITS) -> Lines:
    return changed(lines, change, market="default", limits=limits)


def quantities(lines: Lines) -> dict[str, int]:
    return {held.sku: held.quantity for held in lines if not held.later}


wishes = st.dictionaries(SKUS, st.integers(1, 9), max_size=4).filter(
    lambda wished: sum(wished.values()) <= LIMITS.items
)
carts = wishes.map(lambda wished: tuple(line(sku, quantity) for sku, quantity in wished.items()))


@given(carts, SKUS, st.integers(1, 9))
def test_adding_adds_up_or_refuses_past_a_limit(lines: Lines, sku: str, quantity: int) -> None:
    wanted = {**quantities(lines), sku: quantities(lines).get(sku, 0) + quantity}
    fits = wanted[sku] <= LIMITS.of_one and len(wanted) <= LIMITS.lines and sum(wanted.values()) <= LIMITS.items
    if fits:
        assert quantities(after(lines, adding(sku, quantity))) == wanted
    else:
        with pytest.raises(Refused):
            after(lines, adding(sku, quantity))


@given(carts, SKUS, st.integers(1, 9))
def test_what_was_added_anew_and_removed_leaves_the_lines_as_they_were(lines: Lines, sku: str, quantity: int) -> None:
    before = tuple(one for one in lines if one.sku != sku)[:3]
    generous = Limits()
    assert after(after(before, adding(sku, quantity), generous), Change(sku=sku, quantity=0)) == before


@pytest.mark.parametrize(("by", "left"), [(2, {"a": 5}), (-1, {"a": 2}), (-3, {}), (-9, {})])
def test_a_line_that_would_hold_nothing_goes(by: int, left: dict[str, int]) -> None:
    assert quantities(after((line("a", 3),), Change(sku="a", by=by))) == left


def test_a_line_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(Missing):
        after((), Change(sku="a", by=1))


def test_what_is_not_sold_in_a_market_cannot_be_added() -> None:
    with pytest.raises(Refused) as refused:
        after((line("a", 1),), Change(sku="a", offers={}, by=1))
    assert refused.value.kind == "unknown-product"


def test_what_is_saved_for_later_stays_and_does_not_count() -> None:
    lines = after((line("a", 3), line("b", 1)), Change(sku="a", later=True))
    assert (quantities(lines), items(lines)) == ({"b": 1}, 1)
    assert [one.sku for one in after(lines, Change())] == ["a"]
    assert quantities(after(lines, Change(sku="a", later=False))) == {"a": 3, "b": 1}


def test_a_note_stays_with_its_line() -> None:
    lines = after((line("a", 3),), Change(sku="a", note="the blue one"))
    assert [(one.note, one.quantity) for one in after(lines, adding("a", 1))] == [("the blue one", 4)]
    assert after(lines, Change(sku="a", note=""))[0].note == ""


def test_what_is_past_a_limit_that_was_lowered_can_only_become_less() -> None:
    lines, lowered = (line("a", 9), line("b", 9)), Limits(of_one=5, lines=1, items=10)
    assert quantities(after(lines, Change(sku="a", by=-1), lowered)) == {"a": 8, "b": 9}
    with pytest.raises(Refused):
        after(lines, Change(sku="a", by=1), lowered)


@given(carts, carts, st.sampled_from(Merging))
def test_a_merge_keeps_every_wish_within_generous_limits(ours: Lines, theirs: Lines, how: Merging) -> None:
    mine, others = quantities(ours), quantities(theirs)
    together = {
        Merging.SUM: {sku: mine.get(sku, 0) + others.get(sku, 0) for sku in mine | others},
        Merging.MAX: {sku: max(mine.get(sku, 0), others.get(sku, 0)) for sku in mine | others},
        Merging.REPLACE: others,
    }
    assert quantities(merged(ours, theirs, how, Limits())) == together[how]


@given(carts, carts, st.sampled_from(Merging))
def test_a_merge_keeps_the_limits_and_takes_nothing_away(ours: Lines, theirs: Lines, how: Merging) -> None:
    lines = merged(ours, theirs, how, LIMITS)
    assert len(lines) <= LIMITS.lines
    assert items(lines) <= LIMITS.items
    assert all(one.quantity <= LIMITS.of_one for one in lines)
    if how is not Merging.REPLACE:
        assert all(quantities(lines)[sku] >= quantity for sku, quantity in quantities(ours).items())


@given(carts, carts, carts, st.sampled_from([Merging.SUM, Merging.MAX]))
def test_the_order_of_merges_does_not_matter(ours: Lines, first: Lines, second: Lines, how: Merging) -> None:
    def both(one: Lines, other: Lines) -> Lines:
        return merged(merged(ours, one, how, Limits()), other, how, Limits())

    assert quantities(both(first, second)) == quantities(both(second, first))


def test_what_is_in_either_cart_is_in_the_merged_one() -> None:
    lines = merged((line("a", 1, later=True),), (line("a", 2), line("b", 3, later=True)), Merging.SUM, LIMITS)
    assert [(one.sku, one.quantity, one.later) for one in lines] == [("a", 3, False), ("b", 3, True)]
