"""The rules of a cart."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.cart.lines import Change, Limits, Line
from chalicelib.cart.model import (
    KEPT_OPERATIONS,
    NEW,
    Asked,
    Cart,
    Holder,
    State,
    Verdict,
    versioned,
)
from souk.errors import Gone, Invalid, Missing, Refused, Stale
from souk.money import Money

NOW = datetime(2026, 5, 1, tzinfo=UTC)
PRICE = Money(250, "USD")
ME = Holder(customer_id="me")


def line(sku: str, quantity: int) -> Line:
    return Line(sku=sku, product_id="p", product_version=1, title="Tea", price=PRICE, quantity=quantity)


def cart(*lines: Line, name: str = "c", version: int = 1) -> Cart:
    return Cart(id=name, version=version, holder=ME, lines=lines, created_at=NOW, changed_at=NOW)


lines = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 999)).map(
    lambda wishes: tuple(line(sku, quantity) for sku, quantity in wishes.items())
)


@given(lines, lines)
def test_merging_twice_is_merging_once(ours: tuple[Line, ...], theirs: tuple[Line, ...]) -> None:
    once = cart(*ours).absorbing(source := cart(*theirs, name="s"), Limits())
    assert once.absorbing(source, Limits()) is once


def test_a_stranger_finds_no_cart() -> None:
    for stranger in (Holder(), Holder(customer_id="you"), Holder(token_hash="me")):
        with pytest.raises(Missing):
            cart().open_to(stranger)


def test_a_merged_cart_says_where_its_lines_are() -> None:
    with pytest.raises(Gone) as gone:
        cart().merging_into("t").open_to(ME)
    assert gone.value.moved_to == "/cart/carts/t"


@pytest.mark.parametrize("state", [State.FROZEN, State.CLOSED, State.MERGED])
def test_only_an_open_cart_changes(state: State) -> None:
    with pytest.raises(Refused):
        replace(cart(), state=state).changeable(Asked(holder=ME))


def test_a_version_not_seen_is_stale() -> None:
    assert cart(version=5).changeable(Asked(holder=ME, seen=5))
    with pytest.raises(Stale):
        cart(version=6).changeable(Asked(holder=ME, seen=5))


def frozen() -> Cart:
    return versioned(cart(line("a", 1), version=7).freezing("quote", PRICE, NOW).stamped(NOW), 8)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.PLACED, State.CLOSED),
        (Verdict.REJECTED, State.OPEN),
        (Verdict.ABANDONED, State.OPEN),
        (Verdict.OPEN, State.FROZEN),
    ],
)
def test_a_verdict_moves_a_frozen_cart(verdict: Verdict, state: State) -> None:
    assert frozen().settled(frozen().order_id, verdict).state is state


def test_a_verdict_on_another_order_moves_nothing() -> None:
    assert frozen().settled("another", Verdict.REJECTED) == frozen()
    assert cart().settled(cart().order_id, Verdict.PLACED) == cart()


def test_every_attempt_asks_for_an_order_of_its_own() -> None:
    first = frozen()
    thawed = first.settled(first.order_id, Verdict.REJECTED)
    assert thawed.freezing("quote", PRICE, NOW).order_id != first.order_id


def test_only_what_was_submitted_is_submitted_again() -> None:
    assert frozen().submitted_as(7)
    assert frozen().submitted_as(8)
    assert not frozen().submitted_as(6)
    assert not cart(version=7).submitted_as(7)


def test_an_operation_is_known_again_and_only_with_its_body() -> None:
    asked = Asked(holder=ME, key="k", fingerprint="f")
    before, two = cart(line("a", 1)), Change(sku="a", quantity=2)
    done = versioned(before.revised(two, asked=asked, limits=Limits(), now=NOW), 9)
    known = done.operation(asked)
    assert known is not None
    assert (known.version, known.sku, known.quantity) == (9, "a", 2)
    with pytest.raises(Invalid):
        done.operation(Asked(holder=ME, key="k", fingerprint="another"))


def test_operations_are_forgotten_after_a_day_and_past_their_number() -> None:
    one = cart().stamped(NOW, Asked(holder=ME, key="old"))
    assert [known.id for known in one.stamped(NOW + timedelta(hours=25), Asked(holder=ME, key="new")).operations] == [
        "new"
    ]
    for number in range(KEPT_OPERATIONS + 5):
        one = one.stamped(NOW, Asked(holder=ME, key=str(number)))
    assert len(one.operations) == KEPT_OPERATIONS
    assert one.operations[-1].version == NEW
