"""Which locations give what an order wants: all of it, of what is there first, and never more than they have."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.order.model.allocation import Shelf, share_out
from chalicelib.order.model.stock import Level, Movement, Short, Spot, Why

NOW = datetime(2026, 5, 1, tzinfo=UTC)
TODAY, LATER = NOW.date(), NOW.date() + timedelta(days=9)


def shelf(location: str, on_hand: int, *, reserved: int = 0, backorder: int = 0, rank: int = 0, **terms: Any) -> Shelf:
    level = Level(
        sku="tea",
        location=location,
        on_hand=on_hand,
        reserved=reserved,
        backorder=backorder,
        version=1,
        changed_at=NOW,
        **terms,
    )
    return Shelf(level=level, rank=rank)


@st.composite
def shelves(draw: st.DrawFn) -> list[Shelf]:
    made = []
    for place in range(draw(st.integers(0, 4))):
        on_hand, backorder = draw(st.integers(0, 9)), draw(st.integers(0, 5))
        reserved = draw(st.integers(0, on_hand + backorder))
        rank = draw(st.integers(0, 2))
        made.append(shelf(f"l{place}", on_hand, reserved=reserved, backorder=backorder, rank=rank))
    return made


@given(shelves(), st.integers(1, 20))
def test_all_is_given_or_nothing_and_nothing_twice(made: list[Shelf], wanted: int) -> None:
    levels = {one.level.spot: one.level for one in made}
    together = sum(level.available for level in levels.values())
    if together < wanted:
        with pytest.raises(Short) as short:
            share_out({"tea": wanted}, made, today=TODAY)
        assert short.value.available[Spot("tea")] == together
        return
    shares = share_out({"tea": wanted}, made, today=TODAY)
    assert sum(share.quantity for share in shares) == wanted
    assert len({share.spot for share in shares}) == len(shares)
    assert all(0 < share.quantity <= levels[share.spot].available for share in shares)
    assert sum(share.awaited for share in shares) == max(0, wanted - sum(level.ready for level in levels.values()))


def test_the_lowest_rank_that_has_all_of_it_gives_it() -> None:
    made = [shelf("far", 9, rank=2), shelf("near", 5, rank=1), shelf("shop", 3)]
    assert [share.spot.location for share in share_out({"tea": 3}, made, today=TODAY)] == ["shop"]
    assert [share.spot.location for share in share_out({"tea": 4}, made, today=TODAY)] == ["near"]


def test_what_no_location_has_alone_is_shared_before_anything_is_promised() -> None:
    made = [shelf("shop", 3, backorder=50), shelf("far", 2, rank=1)]
    shares = share_out({"tea": 6}, made, today=TODAY)
    assert {share.spot.location: (share.quantity, share.awaited) for share in shares} == {"shop": (4, 1), "far": (2, 0)}


def test_what_is_promised_is_due_when_more_comes() -> None:
    [share] = share_out({"tea": 3}, [shelf("shop", 1, backorder=9, expected_on=LATER)], today=TODAY)
    assert (share.awaited, share.due_on, share.preorder) == (2, LATER, False)
    [share] = share_out({"tea": 3}, [shelf("shop", 1, backorder=9, expected_on=TODAY)], today=TODAY)
    assert share.due_on is None


def test_before_it_is_released_all_of_it_is_ordered_in_advance() -> None:
    [share] = share_out({"tea": 3}, [shelf("shop", 9, released_on=LATER)], today=TODAY)
    assert (share.awaited, share.due_on, share.preorder) == (3, LATER, True)
    [share] = share_out({"tea": 3}, [shelf("shop", 9, released_on=LATER)], today=LATER)
    assert (share.awaited, share.preorder) == (0, False)


@given(st.integers(0, 9), st.lists(st.integers(-3, 3), max_size=12))
def test_low_is_told_once_each_time_it_falls_so_low(low_at: int, changes: list[int]) -> None:
    left, told, crossed = 10, 0, 0
    for change in changes:
        before, left = left, left + change
        level = Level(
            sku="tea",
            location="shop",
            on_hand=left,
            reserved=0,
            backorder=0,
            version=1,
            changed_at=NOW,
            low_at=low_at,
        )
        moved = [Movement(sku="tea", location="shop", on_hand=change, why=Why.CORRECTED)]
        told += level.fell_low([*moved, Movement(sku="rice", on_hand=-99, why=Why.CORRECTED)])
        crossed += before > low_at >= left
    assert told == crossed
