"""Keeping carts in PostgreSQL as their events tell of them."""

from datetime import datetime
from typing import Protocol

from chalicelib.cart.carts import Carts, absorb
from chalicelib.cart.lines import Limits
from chalicelib.cart.live_cart import cart_of
from chalicelib.cart.model import Cart
from souk.errors import Missing
from souk.events import Event


class Archive(Protocol):
    """Keeps carts for good."""

    def upsert(self, cart: Cart, body: str) -> bool:
        """Keep a cart that is newer than the row; False for one that is not."""


def keep(event: Event, *, archive: Archive, limits: Limits, carts: Carts, now: datetime) -> None:
    """Keep the cart that an event tells of, and finish the merge it may tell of. Safe to repeat, in any order."""
    body = bytes(event.data).decode()
    cart = cart_of(body)
    archive.upsert(cart, body)
    try:
        absorb(cart, limits=limits, carts=carts, now=now)
    except Missing:
        return  # what it was merged into is long gone
