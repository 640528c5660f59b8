"""Order numbers tell nothing, and a slip of the pen is noticed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.order.model.number import SIGNS, number_of, sought
from souk.errors import Invalid

ids = st.uuids().map(str)


def with_signs(signs: list[str]) -> str:
    """Return the number of these signs."""
    return f"S-{''.join(signs[:5])}-{''.join(signs[5:])}"


@given(ids)
def test_a_number_is_the_same_every_time_and_found_however_it_is_typed(order: str) -> None:
    number = number_of(order)
    assert number == number_of(order) != number_of(order, 1)
    for typed in (number, number.lower(), number.replace("-", ""), number.replace("-", " "), number[2:]):
        assert sought(typed) == number


@given(ids, st.integers(0, 9), st.sampled_from(SIGNS))
def test_a_mistyped_sign_is_noticed(order: str, place: int, typed: str) -> None:
    signs = [sign for sign in number_of(order)[2:] if sign != "-"]
    if signs[place] == typed:
        return
    signs[place] = typed
    with pytest.raises(Invalid):
        sought(with_signs(signs))


@given(ids, st.integers(0, 9), st.integers(0, 9))
def test_two_signs_that_changed_places_are_noticed(order: str, one: int, other: int) -> None:
    signs = [sign for sign in number_of(order)[2:] if sign != "-"]
    if signs[one] == signs[other]:
        return
    signs[one], signs[other] = signs[other], signs[one]
    with pytest.raises(Invalid):
        sought(with_signs(signs))


@given(ids, st.integers(1, 9))
def test_a_number_is_found_by_its_beginning(order: str, length: int) -> None:
    signs = number_of(order)[2:].replace("-", "")[:length]
    assert number_of(order).startswith(sought(signs))
    assert number_of(order).startswith(sought(f"s-{signs}"))


@pytest.mark.parametrize("text", ["S-100001", "OIL", "%", "caf\u00e9", "2" * 11])
def test_what_no_number_begins_with_is_invalid(text: str) -> None:
    with pytest.raises(Invalid):
        sought(text)
