"""Carts that nobody comes back to: told of once, and forgotten in the end."""

from datetime import datetime
from typing import Protocol

from chalicelib.cart.keeping import Keeping
from chalicelib.cart.model import Illegible

MOST = 100  # batches in one go; what is left waits for the next


class Archive(Protocol):
    """Keeps carts in PostgreSQL; a batch at a time."""

    def tell_abandoned(self, *, before: datetime, now: datetime) -> int:
        """Tell of open carts with lines that did not change since then, of each version once; return how many.

        Raises Illegible, once that is done, for those that cannot be read.
        """

    def forget(self, *, guests: datetime, customers: datetime) -> int:
        """Forget carts that did not change since then, but for what was ordered or may be; return how many."""


def look(*, archive: Archive, keeping: Keeping, now: datetime) -> None:
    """Tell of abandoned carts and forget expired ones. Raises Unavailable; Illegible once that is done."""
    wrong = _tell(archive, idle_since, now) if (idle_since := keeping.idle_since(now)) else set[str]()
    for _ in range(MOST):
        if not archive.forget(guests=now - keeping.guests, customers=now - keeping.customers):
            break
    if wrong:
        raise Illegible(wrong)


def _tell(archive: Archive, idle_since: datetime, now: datetime) -> set[str]:
    """Tell of abandoned carts, and return which cannot be read."""
    wrong = set[str]()
    for _ in range(MOST):
        try:
            if not archive.tell_abandoned(before=idle_since, now=now):
                break
        except Illegible as error:
            wrong |= error.ids
    return wrong
