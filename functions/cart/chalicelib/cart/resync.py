"""Telling the current state of carts again: for an emptied queue, or a consumer that was added later."""

from datetime import datetime

from chalicelib.cart import live


def resync(since: datetime | None) -> int:
    """Mark the carts that changed since then (or all) as changed, for the relay to publish; return how many."""
    return live.carts.mark_changed(since)
