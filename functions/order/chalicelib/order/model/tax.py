"""Tax: rates by country and class of goods, and how a tax is rounded.

Rules that are simple on purpose; states, thresholds and exempt customers will have their place here.
* A country without rates is one where nothing is taxed.
* Shipping is taxed at the standard rate of the country it goes to, whatever is in the parcel.
* A tax is rounded half up, line by line, on what is paid for the line: after discounts.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from souk.money import Money

WHOLE = 10_000  # rates are in hundredths of a per cent
Rate = Annotated[int, msgspec.Meta(ge=0, le=WHOLE, description="in hundredths of a per cent: 1900 is 19 %")]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$(?!\n)", description="ISO 3166-1 alpha-2")]


class TaxClass(StrEnum):
    """What kind of goods it is to the tax office."""

    STANDARD = "standard"
    REDUCED = "reduced"
    ZERO = "zero"


class TaxRates(msgspec.Struct, frozen=True, kw_only=True):
    """A country's rates; version 0 stands for one that has none so far."""

    country: Country
    standard: Rate = 0
    reduced: Rate = 0
    version: int = 0
    changed_at: datetime | None = None

    def rate(self, of: TaxClass) -> int:
        """Return the rate for a class of goods; `zero` is zero everywhere."""
        return {TaxClass.STANDARD: self.standard, TaxClass.REDUCED: self.reduced}.get(of, 0)


def half_up(numerator: int, denominator: int) -> int:
    """Return a fraction that is not below zero as the nearest whole number, the half upwards."""
    return (2 * numerator + denominator) // (2 * denominator)


def tax_on(amount: Money, rate: int, *, included: bool) -> Money:
    """Return the tax in (or on) an amount, rounded half up."""
    whole = WHOLE + rate if included else WHOLE
    return Money(half_up(amount.amount * rate, whole), amount.currency)
