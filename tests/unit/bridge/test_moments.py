"""Moments are typed as so long ago or as a date; replay refuses what consumers no longer remember."""

from datetime import UTC, datetime, timedelta

import pytest

from souk.errors import Invalid, Refused
from souk_cli.moments import moment
from souk_cli.replay import oldest

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30m", NOW - timedelta(minutes=30)),
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
        ("2026-01-01T10:00:00+02:00", datetime(2026, 1, 1, 8, tzinfo=UTC)),
    ],
)
def test_a_moment_is_understood(text: str, meant: datetime) -> None:
    assert moment(text, NOW) == meant


@pytest.mark.parametrize("text", ["", "soon", "7w", "-1h", "2026-13-01"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        moment(text, NOW)


def test_replay_goes_back_seven_days_and_no_further() -> None:
    assert oldest(None, NOW) == NOW - timedelta(days=7)
    assert oldest(NOW - timedelta(hours=1), NOW) == NOW - timedelta(hours=1)
    assert oldest(NOW - timedelta(days=7, seconds=5), NOW) == NOW - timedelta(days=7)
    with pytest.raises(Refused):
        oldest(NOW - timedelta(days=8), NOW)
