from collections.abc import Iterator

import pytest

from souk_local.patience import InVain, keep_looking, until


@pytest.fixture
def numbers() -> Iterator[int]:
    return iter(range(10))


def test_what_is_there_is_returned_at_once(numbers: Iterator[int]) -> None:
    assert keep_looking(lambda: "here", within=0, pause=0) == "here"


def test_it_is_looked_at_again_until_it_is_enough(numbers: Iterator[int]) -> None:
    assert keep_looking(lambda: next(numbers), within=60, pause=0, enough=lambda seen: seen == 3) == 3


def test_what_was_seen_last_is_returned_when_the_time_is_over(numbers: Iterator[int]) -> None:
    assert keep_looking(lambda: next(numbers), within=0, pause=0, enough=lambda _: False) == 0


def test_pauses_may_grow(numbers: Iterator[int]) -> None:
    pauses = iter([0.0, 0.001, 0.002])
    assert keep_looking(lambda: next(numbers), within=60, pause=lambda: next(pauses), enough=lambda seen: seen == 3)
    assert next(pauses, None) is None


def test_what_comes_is_waited_for(numbers: Iterator[int]) -> None:
    assert until(lambda: next(numbers), "a number", pause=0) == 1  # 0 is nothing yet


def test_what_does_not_come_in_time_is_named() -> None:
    with pytest.raises(InVain, match="waited 0 s in vain for the moon"):
        until(lambda: None, "the moon", within=0)
