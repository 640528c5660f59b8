"""Quotes: what a shopper is asked to accept, for whom and where to, for a while."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from chalicelib.order.model.address import Address, Text
from chalicelib.order.model.pricing import Bill, Known
from souk.errors import Refused

LASTS = timedelta(minutes=30)

Email = Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$(?!\n)", max_length=254)]


class Spent(Refused):
    """Another order was placed with the quote."""

    code = "quote-used"


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to write to; personal."""

    email: Email
    name: Text


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """The personal part of a quote or an order; it lies outside everything that is hashed or sent as an event."""

    contact: Contact
    shipping_address: Address
    billing_address: Address


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A bill that a shopper may accept until it expires."""

    id: str
    bill: Bill
    recipient: Recipient
    made_at: datetime
    expires_at: datetime

    @property
    def wanted(self) -> dict[str, int]:
        """How many of which SKU."""
        return {line.sku: line.quantity for line in self.bill.lines}

    def is_open_at(self, moment: datetime) -> bool:
        """Tell whether it could be accepted at that moment."""
        return moment <= self.expires_at


class QuoteToday(msgspec.Struct, frozen=True):
    """A quote that was made earlier, and what is known now of what it is about."""

    quote: Quote
    known: Known
