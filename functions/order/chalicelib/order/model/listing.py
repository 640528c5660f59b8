"""Lists of orders: which ones, where a page ends, what is shown of each, and what is asked while one waits for one."""

from datetime import datetime

import msgspec

from chalicelib.order.model.order import Status
from souk.money import Money

Place = tuple[datetime, str]  # where a page of the list ends: when the order was placed, and its id


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """An order as lists show it: nothing personal."""

    id: str
    number: str
    status: Status
    customer_id: str | None
    placed_at: datetime
    total: Money
    items: int


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which orders a list is about; `text` is how the number begins."""

    customer_id: str | None = None
    status: Status | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str | None = None


class Standing(msgspec.Struct, frozen=True):
    """At which version an order is, a rejection always at the first one, and whose it is."""

    version: int
    customer_id: str | None
