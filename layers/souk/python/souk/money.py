"""Money: whole minor units and an ISO 4217 code; never a float."""

from collections.abc import Iterable
from typing import Annotated

import msgspec

from souk.errors import Invalid

Currency = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$(?!\n)", description="ISO 4217 code")]
MOST = 10**15  # minor units; keeps every sum inside 64 bits and inside what JavaScript counts exactly


class Money(msgspec.Struct, frozen=True, order=False, forbid_unknown_fields=True):
    """An amount in minor units (cents for EUR) of one currency; a word more about it is an error, not to be overheard."""

    amount: Annotated[int, msgspec.Meta(ge=-MOST, le=MOST)]
    currency: Currency

    def __add__(self, other: "Money") -> "Money":
        """Add money of the same currency; raises Invalid for another."""
        if other.currency != self.currency:
            raise Invalid(f"{other.currency} cannot be added to {self.currency}")
        return Money(self.amount + other.amount, self.currency)

    def times(self, quantity: int) -> "Money":
        """Return the price of `quantity` such things."""
        return Money(self.amount * quantity, self.currency)


def total(parts: Iterable[Money], *, currency: str) -> Money:
    """Add up `parts`, all in `currency`; nothing at all is zero. Raises Invalid for a part in another currency."""
    added = Money(0, currency)
    for part in parts:
        added = added + part
    return added
