"""Keyset pages: a cursor names the last row seen, so that pages neither skip nor repeat while rows come and go."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from souk.errors import Fault, Invalid

Item = TypeVar("Item")
Other = TypeVar("Other")
Key = TypeVar("Key")
LIMIT = 20
MOST = 100

Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST, description="how many items to answer with at the most")]
Cursor = Annotated[str, msgspec.Meta(max_length=1024, description="`next` of the page before")]


class Page(msgspec.Struct, Generic[Item], frozen=True):
    """Some items and the cursor of the page after them, null on the last one."""

    items: list[Item]
    next: str | None = None

    def map(self, change: Callable[[Item], Other]) -> "Page[Other]":
        """Return this page with each item changed."""
        return Page([change(item) for item in self.items], self.next)


class PageQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a list is asked: how many, and after what. What it does not know it refuses, and so do the ones made of it."""

    limit: Limit = LIMIT
    cursor: Cursor | None = None


def seal(key: Any) -> str:
    """Return the cursor that stands for `key` (the last row's sort key: a list of plain values)."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(key)).decode().rstrip("=")


def unseal(cursor: str | None, shape: type[Key]) -> Key | None:
    """Return the key a cursor stands for, None for no cursor. Raises Invalid for one we never gave out."""
    if not cursor:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.msgpack.decode(raw, type=shape)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise Invalid("the cursor is not one of ours", faults=[Fault("/cursor", "not a cursor")]) from error


def page(rows: Sequence[Item], limit: int, key: Callable[[Item], Any]) -> Page[Item]:
    """Return a page of `rows`, of which one more than `limit` were fetched to see whether another page follows."""
    if len(rows) <= limit:
        return Page(list(rows))
    return Page(list(rows[:limit]), seal(key(rows[limit - 1])))
