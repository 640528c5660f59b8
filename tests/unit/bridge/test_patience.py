"""Waiting grows, up to a limit, and begins anew when things work."""

import pytest

from souk_cli.bridge.patience import BUSY, IDLE, LINGER, Pace, Patience, growing


@pytest.mark.parametrize(("tries", "seconds"), [(1, 1.0), (2, 2.0), (3, 4.0), (10, 60.0), (10_000, 60.0)])
def test_each_failure_doubles_the_wait_up_to_the_longest(tries: int, seconds: float) -> None:
    assert growing(tries, first=1.0, longest=60.0) == seconds


def test_patience_grows_and_begins_anew() -> None:
    patience = Patience(first=1.0, longest=8.0)
    waits = [patience.next() for _ in range(6)]
    assert 0.8 <= waits[0] <= 1.2
    assert 6.4 <= waits[-1] <= 9.6
    patience.reset()
    assert patience.next() <= 1.2


def test_one_looks_often_while_there_is_something_and_seldom_when_there_is_not() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    assert pace.next() == BUSY
    now = LINGER + 1
    waits = [pace.next() for _ in range(10)]
    assert waits == sorted(waits)
    assert waits[-1] == IDLE
    pace.hurry()
    assert pace.next() == BUSY
