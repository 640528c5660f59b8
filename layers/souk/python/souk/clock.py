"""The one place that reads the clock; use cases are told `now`."""

from datetime import UTC, datetime


def utcnow() -> datetime:
    """Return the present moment in UTC."""
    return datetime.now(UTC)
