"""Keeping carts in PostgreSQL as their events tell of them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from chalicelib.cart.carts import Carts, absorb, standing
from chalicelib.cart.lines import Limits
from chalicelib.cart.live_cart import cart_of
from chalicelib.cart.model import Cart
from souk.errors import Missing
from souk.events import Event


class Told(msgspec.Struct, frozen=True):
    """What an event says beside the cart: the history of the Redis that had it."""

    history: str | None = None


class Archive(Protocol):
    """Keeps carts for good."""

    def upsert_all(self, carts: Collection[Cart], history: str | None) -> int:
        """Keep different carts that a Redis of `history` told of; where a row is newer, or of a later history, it stays."""


def keep(events: Sequence[Event], *, archive: Archive, limits: Limits, carts: Carts, now: datetime) -> None:
    """Keep the carts that events tell of, and finish the merges they may tell of. Safe to repeat, in any order."""
    histories: dict[str | None, dict[str, Cart]] = {}
    for event in sorted(events, key=lambda one: one.version):
        cart, told = cart_of(bytes(event.data)), msgspec.json.decode(event.data, type=Told)
        histories.setdefault(told.history, {})[cart.id] = cart
    for history, newest in histories.items():
        archive.upsert_all(newest.values(), history)
        for cart in newest.values():
            if cart.merged_into is not None:
                _finish(cart, limits=limits, carts=carts, now=now)


def _finish(merged: Cart, *, limits: Limits, carts: Carts, now: datetime) -> None:
    """Take over the source as it surely is: a primary that lost a failover tells of carts that went on without it."""
    source = standing(merged.id, carts)
    if source is None:
        return
    try:
        absorb(source.cart, limits=limits, carts=carts, now=now)
    except Missing:
        return  # what it was merged into is long gone
