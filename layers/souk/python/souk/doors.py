"""What a door promises: who comes in, what is read and answered; OpenAPI is generated from it."""

from collections.abc import Callable
from enum import Flag
from typing import Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec

Body = TypeVar("Body")


class Admits(Flag):
    """Who else than staff with the route's permission comes through a door; NOBODY without a permission is everyone."""

    NOBODY = 0
    CUSTOMER = 1
    GUEST = 2
    ORDER_HOLDER = 4
    STAFF = 8  # any member of staff, whatever the permissions: for what is their own


class Takes(Flag):
    """Which headers a door reads beside those that every door does."""

    NOTHING = 0
    VERSION = 1  # If-Match, without which nothing is changed
    VERSION_IF_GIVEN = 2
    KEY = 4  # Idempotency-Key
    WAIT = 8  # Prefer: wait=N, with If-None-Match: until it is another version
    SYNC = 16  # Prefer: respond-sync, and wait=N: until the outcome is there


class Answer(msgspec.Struct, Generic[Body], frozen=True):
    """An answer that needs more than a body: another status, headers. A view says so by returning `Answer[Body]`."""

    body: Body
    status: int | None = None
    headers: dict[str, str] = {}


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """What one route promises; what OpenAPI is generated from."""

    path: str
    methods: tuple[str, ...]
    view: Callable[..., Any]
    body: Any
    query: Any
    lists: frozenset[str]
    answer: Any
    status: int
    also: tuple[int, ...]
    permission: str | None
    admits: Admits
    takes: Takes

    @property
    def public(self) -> bool:
        """Whether anyone may come in without a token."""
        return self.permission is None and self.admits is Admits.NOBODY

    @classmethod
    def of(
        cls,
        view: Callable[..., Any],
        path: str,
        methods: tuple[str, ...],
        *,
        status: int,
        also: tuple[int, ...],
        permission: str | None,
        admits: Admits,
        takes: Takes,
    ) -> "Door":
        """Read from a view's annotations what its route promises."""
        hints = get_type_hints(view)
        return cls(
            path=path,
            methods=methods,
            view=view,
            body=hints.get("body"),
            query=hints.get("query"),
            lists=_lists(hints.get("query")),
            answer=_promised(hints.get("return")),
            status=status,
            also=also,
            permission=permission,
            admits=admits,
            takes=takes,
        )


def _lists(query: Any) -> frozenset[str]:
    """Return the names that a query may have several times."""
    fields = get_type_hints(query).items() if query is not None else ()
    return frozenset(name for name, kind in fields if get_origin(kind) in {list, tuple})


def _promised(hint: Any) -> Any:
    """Return the type of the body that a view's return annotation promises."""
    return get_args(hint)[0] if get_origin(hint) is Answer else hint


def created(body: Body, location: str) -> Answer[Body]:
    """Answer 201 with the address of what was made."""
    return Answer(body, 201, {"Location": location})
