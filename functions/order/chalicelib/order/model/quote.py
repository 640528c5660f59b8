"""Quotes: what a shopper is asked to accept, for whom and where to, for a while."""

from datetime import datetime, timedelta
from typing import Annotated

import msgspec

from chalicelib.order.model.pricing import Bill

LASTS = timedelta(minutes=30)

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Extra = Annotated[str, msgspec.Meta(max_length=200)]
Email = Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$(?!\n)", max_length=254)]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$(?!\n)", description="ISO 3166-1 alpha-2")]


class Contact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to write to; personal."""

    email: Email
    name: Text


class Address(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where to send to; personal."""

    recipient: Text
    street: Text
    city: Text
    postal_code: Annotated[str, msgspec.Meta(min_length=1, max_length=20)]
    country: Country
    extra: Extra = ""
    region: Extra = ""
    phone: Extra = ""


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

    def is_open_at(self, moment: datetime) -> bool:
        """Tell whether it could be accepted at that moment."""
        return moment <= self.expires_at
