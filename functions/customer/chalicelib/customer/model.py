"""Nouns and rules of the customer service: customers and their addresses; pure."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec.structs import replace

from souk.errors import Refused
from souk.markets import DEFAULT

MOST_ADDRESSES = 50

Email = Annotated[
    str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$(?!\n)", max_length=254, examples=["ada@example.com"])
]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
Locale = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z]{2}(-[A-Z]{2})?$(?!\n)", description="BCP 47, language and region")
]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Extra = Annotated[str, msgspec.Meta(max_length=200)]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$(?!\n)", description="ISO 3166-1 alpha-2")]


class Status(StrEnum):
    """Whether a customer may sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who buys."""

    id: str
    email: str
    name: str
    created_at: datetime
    locale: str = "en"
    market: str = DEFAULT
    status: Status = Status.ACTIVE
    version: int = 1

    def edited(self, *, name: str | None, locale: str | None) -> "Customer":
        """Return this customer with what is given changed."""
        return replace(self, name=name or self.name, locale=locale or self.locale, version=self.version + 1)

    def become(self, status: Status) -> "Customer":
        """Return this customer suspended or active. Raises Refused for whoever is that already."""
        if self.status is status:
            raise Refused(f"the customer is {status} already")
        return replace(self, status=status, version=self.version + 1)


class PostalAddress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where something is sent."""

    recipient: Name
    street: Line
    city: Line
    postal_code: Line
    country: Country
    extra: Extra = ""
    region: Extra = ""
    phone: Extra = ""


class Address(PostalAddress, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """An address that a customer keeps."""

    id: str
    version: int = 1
