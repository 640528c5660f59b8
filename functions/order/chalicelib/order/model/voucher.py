"""Vouchers: so much off for whoever knows the code, so many times; other kinds of promotion will have their place here.

Rules that are simple on purpose:
* A voucher takes a part of the goods off, never of the shipping. Several are taken one after the other, in the order of
  their codes, each from what the one before left.
* What it takes off is rounded half up, once, and then split over the lines by largest remainder, so that the parts sum.
* It counts as used from the moment an order is placed, and again as unused when that order is cancelled, for want of
  money too. Money that comes after all uses it again, if it is left.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from chalicelib.order.model.tax import WHOLE, half_up
from souk.errors import Refused
from souk.markets import DEFAULT
from souk.money import Money

CODE = r"^[A-Z0-9][A-Z0-9-]{2,31}$(?!\n)"
Code = Annotated[str, msgspec.Meta(pattern=CODE, examples=["SPRING-10"])]
Off = Annotated[int, msgspec.Meta(ge=1, le=WHOLE, description="in hundredths of a per cent: 1000 is 10 % off")]
Limit = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000, description="how many orders may use it")]


class Voucher(msgspec.Struct, frozen=True, kw_only=True):
    """So much off the goods, from a moment until another, from a worth of goods on, for so many orders.

    `version` counts what staff changed, not its uses.
    """

    code: str
    market: str = DEFAULT
    off: Off
    usage_limit: Limit | None = None
    used: int = 0
    minimum: Money | None = None
    valid_from: datetime
    valid_until: datetime | None = None
    created_at: datetime
    changed_at: datetime
    version: int = 1

    def objection(self, *, goods: Money, market: str, at: datetime) -> str | None:
        """Return why it cannot be used for goods of that worth at that moment; its uses are another question."""
        if market != self.market:
            return "is for another market"
        if at < self.valid_from:
            return "is not valid yet"
        if self.valid_until is not None and at >= self.valid_until:
            return "has ended"
        if self.minimum is not None and goods.amount < self.minimum.amount:
            return f"is for goods worth {self.minimum.amount} {self.minimum.currency} or more"
        return None

    @property
    def is_used_up(self) -> bool:
        """Whether no further order may use it."""
        return self.usage_limit is not None and self.used >= self.usage_limit


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """What a voucher took off."""

    code: str
    off: int
    amount: Money


class Use(StrEnum):
    """What became of an order's use of a voucher."""

    USED = "used"
    RELEASED = "released"  # its order was cancelled; whoever uses the voucher next takes it off the count
    RETURNED = "returned"  # no longer counted


class VoucherUse(msgspec.Struct, frozen=True, kw_only=True):
    """A voucher in an order."""

    code: str
    off: int
    amount: Money
    state: Use = Use.USED


class UsedUp(Refused):
    """There is no use left of the vouchers `codes`."""

    code = "voucher-used-up"

    def __init__(self, codes: Collection[str]) -> None:
        self.codes = sorted(codes)
        super().__init__(f"no use is left of {', '.join(self.codes)}")


def taken_off(lines: Sequence[int], off: int) -> list[int]:
    """Return what so many hundredths of a per cent off all lines take off each; the parts sum to what is taken off all."""
    return shares(half_up(sum(lines) * off, WHOLE), lines)


def shares(amount: int, weights: Sequence[int]) -> list[int]:
    """Split an amount by weights: rounded down, then one unit more for the largest remainders, the earlier of equal ones."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda n: -(amount * weights[n] % whole))
    for n in by_remainder[: amount - sum(parts)]:
        parts[n] += 1
    return parts
