"""What is held for a quote: shares of stock, once and for a while."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from enum import StrEnum

import msgspec

from chalicelib.order.model.allocation import Share
from chalicelib.order.model.stock import Movement, Spot, Why
from souk.errors import Refused


class Fate(StrEnum):
    """What became of something that was held for a quote."""

    HELD = "held"
    TAKEN = "taken"  # over by the quote's order
    RELEASED = "released"
    EXPIRED = "expired"


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """So many units of a row of stock, held for a quote."""

    quote_id: str
    sku: str
    location: str
    quantity: int
    awaited: int = 0
    due_on: date | None = None
    preorder: bool = False
    state: Fate = Fate.HELD
    held_until: datetime
    holder: str = ""

    @property
    def spot(self) -> Spot:
        """Which row of stock."""
        return Spot(self.sku, self.location)

    def taking(self) -> Movement:
        """Return what it takes from stock."""
        return self._movement(self.quantity, Why.RESERVED)

    def giving_back(self) -> Movement:
        """Return what goes back to stock with it."""
        return self._movement(-self.quantity, Why.RELEASED)

    def _movement(self, reserved: int, why: Why) -> Movement:
        return Movement(sku=self.sku, location=self.location, reserved=reserved, why=why, quote_id=self.quote_id)


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What was ever held for a quote, whether it was ordered by, and for how many others its holder has stock held."""

    held: tuple[Held, ...] = ()
    ordered: bool = False
    others: int = 0


def held(quote_id: str, shares: Iterable[Share], *, until: datetime, holder: str) -> list[Held]:
    """Return what is held when these shares are."""
    return [
        Held(
            quote_id=quote_id,
            sku=one.spot.sku,
            location=one.spot.location,
            quantity=one.quantity,
            awaited=one.awaited,
            due_on=one.due_on,
            preorder=one.preorder,
            held_until=until,
            holder=holder,
        )
        for one in shares
    ]


def still_held(known: Sequence[Held], now: datetime) -> list[Held]:
    """Return what is held. Raises Refused when that is over: nobody holds the same for ever."""
    if any(one.state is not Fate.HELD or one.held_until < now for one in known):
        raise Refused("stock was held for this quote already", code="held-before")
    return list(known)


def released(known: Iterable[Held]) -> list[Movement]:
    """Return what goes back to stock."""
    return [one.giving_back() for one in known]
