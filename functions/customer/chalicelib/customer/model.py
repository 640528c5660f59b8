"""Nouns and rules of the customer service: customers and their addresses; pure."""

from typing import Annotated, ClassVar

import msgspec
from msgspec.structs import replace

from souk.accounts import Holder, Name
from souk.markets import DEFAULT

MOST_ADDRESSES = 50

Locale = Annotated[
    str, msgspec.Meta(pattern=r"^[a-z]{2}(-[A-Z]{2})?$(?!\n)", description="BCP 47, language and region")
]
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Extra = Annotated[str, msgspec.Meta(max_length=200)]
Country = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$(?!\n)", description="ISO 3166-1 alpha-2")]


class Customer(Holder, frozen=True, kw_only=True):
    """Somebody who buys."""

    CALLED: ClassVar[str] = "customer"

    locale: str = "en"
    market: str = DEFAULT

    def edited(self, *, name: str | None, locale: str | None) -> "Customer":
        """Return this customer with what is given changed."""
        return replace(self, name=name or self.name, locale=locale or self.locale, version=self.version + 1)


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
