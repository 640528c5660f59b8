"""Keeping carts in PostgreSQL as their events tell of them."""

from datetime import datetime
from typing import Protocol

import msgspec

from chalicelib.cart.carts import Carts, absorb
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

    def upsert(self, cart: Cart, history: str | None) -> bool:
        """Keep a cart that a Redis of `history` told of; False when the row is newer, or of a later history."""


def keep(event: Event, *, archive: Archive, limits: Limits, carts: Carts, now: datetime) -> None:
    """Keep the cart that an event tells of, and finish the merge it may tell of. Safe to repeat, in any order."""
    cart, told = cart_of(bytes(event.data)), msgspec.json.decode(event.data, type=Told)
    archive.upsert(cart, told.history)
    if cart.merged_into is None:
        return
    try:  # with the source as it is now: a primary that lost a failover tells of carts that went on without it
        absorb(carts.get(cart.id), limits=limits, carts=carts, now=now)
    except Missing:
        return  # what it was merged into is long gone
