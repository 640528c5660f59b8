"""Preferences are read as RFC 7240 says, and only a few requests wait at once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from souk.waiting import Full, Preferences, Room


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def room(seats: int = 1) -> tuple[Room, Clock]:
    clock = Clock()
    return Room(seats, clock=clock, pause=clock.pause), clock


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("wait=3", 3),
        ("wait=60", 10),
        ('Wait = "4"', 4),
        ("respond-sync, wait=5", 5),
        ('handling=lenient; why="a, b", wait=6;more', 6),
        ("wait=2, wait=9", 2),
        ("", 0),
        ("wait", 0),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("wait=\u0663", 0),
    ],
)
def test_a_client_says_how_long_it_would_wait(header: str, seconds: int) -> None:
    assert Preferences.of(header).wait(10) == seconds


def test_a_preference_without_a_value_is_one_too() -> None:
    found = Preferences.of("Respond-Sync;strength=2, wait=5")
    assert "respond-sync" in found
    assert "respond-async" not in found


@given(st.text())
def test_no_header_is_too_strange(header: str) -> None:
    assert 0 <= Preferences.of(header).wait(10) <= 10


def test_what_happens_in_time_is_noticed_at_the_next_look() -> None:
    waiting, clock = room()
    assert waiting.until(lambda: clock.now >= 3, seconds=10)
    assert clock.now <= 3.05


class Quiet:
    """A bell that is heard and never rung."""

    hears = True

    def __init__(self, clock: Clock) -> None:
        self.wait = clock.pause


def test_a_bell_saves_looks_and_may_be_missed() -> None:
    waiting, clock = room()
    looks = 0

    def look() -> bool:
        nonlocal looks
        looks += 1
        return clock.now >= 3

    assert waiting.until(look, seconds=10, bell=Quiet(clock))
    assert (looks, clock.now) == (7, 3)


def test_waiting_ends_when_the_time_is_up() -> None:
    waiting, clock = room()
    assert not waiting.until(lambda: False, seconds=2)
    assert clock.now == pytest.approx(2)


def test_whoever_finds_no_seat_is_told_at_once_and_a_seat_is_given_back() -> None:
    waiting, _ = room(seats=1)

    def crowded() -> bool:
        with pytest.raises(Full):
            waiting.until(lambda: True, seconds=1)
        return True

    assert waiting.until(crowded, seconds=1)
    with pytest.raises(ZeroDivisionError):
        waiting.until(lambda: bool(1 / 0), seconds=1)
    assert waiting.until(lambda: True, seconds=1)
