"""Carts that nobody comes back to: told of once, and forgotten in the end."""

from datetime import datetime
from typing import Protocol

from chalicelib.cart.keeping import Keeping

MOST = 100  # batches in one go; what is left waits for the next


class Archive(Protocol):
    """Keeps carts in PostgreSQL; a batch at a time."""

    def tell_abandoned(self, *, before: datetime, now: datetime) -> int:
        """Tell of open carts with lines that did not change since then, of each version once; return how many."""

    def forget(self, *, guests: datetime, customers: datetime) -> int:
        """Forget carts that did not change since then, but for what was ordered or may be; return how many."""


def look(*, archive: Archive, keeping: Keeping, now: datetime) -> None:
    """Tell of abandoned carts and forget expired ones. Raises Unavailable."""
    idle_since = keeping.idle_since(now)
    for _ in range(MOST if idle_since else 0):
        if idle_since is None or not archive.tell_abandoned(before=idle_since, now=now):
            break
    for _ in range(MOST):
        if not archive.forget(guests=now - keeping.guests, customers=now - keeping.customers):
            break
