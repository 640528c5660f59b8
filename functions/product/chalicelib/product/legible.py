"""Reading many products at once: one that cannot be read is named in the log and keeps no other from being shown."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from souk import telemetry

Read = TypeVar("Read")
Document = dict[str, Any]
LOG = telemetry.logger("product")


def legible(found: Iterable[Document], read: Callable[[Document], Read], wrong: list[str] | None = None) -> list[Read]:
    """Return what can be read of documents; the ids of the others are added to `wrong`."""
    good: list[Read] = []
    for one in found:
        try:
            good.append(read(one))
        except (msgspec.MsgspecError, KeyError) as error:
            LOG.error("a product cannot be read", extra={"product": one["_id"], "why": repr(error)})  # noqa: TRY400 - said once
            if wrong is not None:
                wrong.append(one["_id"])
    return good


def filled(ask: Callable[[Sequence[str]], Iterable[Document]], read: Callable[[Document], Read]) -> list[Read]:
    """Return as many as are asked for: `ask` is given the ids of those that cannot be read, for others to take their places."""
    left_out: list[str] = []
    while True:
        known = len(left_out)
        good = legible(ask(left_out), read, left_out)
        if len(left_out) == known:
            return good


def but_for(ids: Sequence[str]) -> Document:
    """Return what leaves these documents of MongoDB out."""
    return {"_id": {"$nin": list(ids)}} if ids else {}
