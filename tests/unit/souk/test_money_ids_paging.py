"""Money, ids and pages."""

import contextlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from souk.errors import Invalid
from souk.ids import id_of, is_id, new_id
from souk.money import Money, total
from souk.paging import page, seal, unseal

amounts = st.integers(-(10**12), 10**12)


@given(st.lists(amounts, max_size=20))
def test_a_total_is_the_sum_of_its_parts(parts: list[int]) -> None:
    assert total((Money(one, "EUR") for one in parts), currency="EUR").amount == sum(parts)


@given(amounts, st.integers(0, 999))
def test_a_price_times_a_quantity_is_that_many_prices(amount: int, quantity: int) -> None:
    assert Money(amount, "EUR").times(quantity) == Money(amount * quantity, "EUR")


def test_money_of_two_currencies_does_not_add_up() -> None:
    with pytest.raises(Invalid):
        _ = Money(1, "EUR") + Money(1, "USD")


def test_new_ids_are_version_7_and_sort_by_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {uuid.UUID(one).version for one in ids} == {7}
    assert len(set(ids)) == 1000
    assert [one[:13] for one in ids] == sorted(one[:13] for one in ids)


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_the_same_parts_give_the_same_id(parts: list[str]) -> None:
    assert id_of(*parts) == id_of(*parts)
    assert is_id(id_of(*parts))


@pytest.mark.parametrize(
    "text", ["", "x", "6C0C2F0E-6A5E-5D7E-9B44-0D5B6F1F7A10", "{6c0c2f0e-6a5e-5d7e-9b44-0d5b6f1f7a10}"]
)
def test_what_is_no_canonical_uuid_is_no_id(text: str) -> None:
    assert not is_id(text)


@given(st.integers(), st.text())
def test_a_cursor_comes_back_as_the_key_it_stands_for(number: int, text: str) -> None:
    key = (number % 2**60, text)
    assert unseal(seal(key), tuple[int, str]) == key


@given(st.text(max_size=60))
def test_a_cursor_that_is_not_ours_is_invalid_and_nothing_worse(text: str) -> None:
    with contextlib.suppress(Invalid):
        unseal(text, tuple[int, str])


@given(st.lists(st.integers(0, 10**9), unique=True), st.integers(1, 7))
def test_pages_neither_skip_nor_repeat(rows: list[int], limit: int) -> None:
    rows, seen, cursor = sorted(rows), [], None
    for _ in range(len(rows) + 1):
        after = unseal(cursor, int)
        found = page([one for one in rows if after is None or one > after][: limit + 1], limit, lambda one: one)
        seen += found.items
        cursor = found.next
        if cursor is None:
            break
    assert seen == rows
