"""Moments as one types them: so long ago, or a date."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from souk.errors import Invalid

_AGO = re.compile(r"(\d+)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment(text: str, now: datetime) -> datetime:
    """Return the moment `text` means: `30m`, `2h` or `7d` ago, or a date as RFC 3339 has it. Raises Invalid."""
    if ago := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text!r} is no moment: say 30m, 2h, 7d, or a date such as 2026-01-31T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
