"""For how long carts are kept; pure."""

from datetime import datetime, timedelta

import msgspec

from chalicelib.cart.model import Holder, State

DONE_FOR = timedelta(days=7)  # for which Redis keeps a cart that takes no more changes; PostgreSQL has it after


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """How long after its last change a cart is kept, and after how many hours it counts as abandoned; 0 is never."""

    guest_days: int = 30
    customer_days: int = 90
    abandoned_hours: int = 24

    @property
    def guests(self) -> timedelta:
        """How long the cart of a guest is kept."""
        return timedelta(days=self.guest_days)

    @property
    def customers(self) -> timedelta:
        """How long the cart of a customer is kept."""
        return timedelta(days=self.customer_days)

    def lasts(self, holder: Holder, state: State = State.OPEN) -> int:
        """Return for how many milliseconds Redis keeps such a cart."""
        kept = self.guests if holder.customer_id is None else self.customers
        return (min(DONE_FOR, kept) if state in {State.CLOSED, State.MERGED} else kept) // timedelta(milliseconds=1)

    def idle_since(self, now: datetime) -> datetime | None:
        """Return before when the last change of an abandoned cart was; None where none is ever abandoned."""
        return now - timedelta(hours=self.abandoned_hours) if self.abandoned_hours else None
