"""Accounts: what whoever signs in with an email address has in common, staff as customers; pure."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Self

import msgspec
from msgspec.structs import replace

from souk.errors import Refused

Email = Annotated[
    str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$(?!\n)", max_length=254, examples=["ada@example.com"])
]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=120)]
PERSONAL = frozenset({"email", "name"})  # of which an audit trail tells only that they changed


class Status(StrEnum):
    """Whether somebody may sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has an account; `CALLED` is what they are, in the shop's words."""

    CALLED: ClassVar[str]

    id: str
    email: str
    name: str
    created_at: datetime
    status: Status = Status.ACTIVE
    version: int = 1

    def become(self, status: Status) -> Self:
        """Return whoever this is suspended or active. Raises Refused for whoever is that already."""
        if self.status is status:
            raise Refused(f"the {self.CALLED} is {status} already")
        return replace(self, status=status, version=self.version + 1)
