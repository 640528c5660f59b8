"""How a product is changed: read, stepped, and written only if nobody else wrote in between."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from chalicelib.product.events import told
from chalicelib.product.model import Product, moment
from souk.errors import SoukError, Unavailable
from souk.events import Event

TRIES = 8


class Overtaken(SoukError):
    """Somebody else wrote the product since it was read."""

    code = "overtaken"


class Change(Struct, frozen=True, kw_only=True):
    """A product before and after, and the events that tell of it."""

    before: Product
    after: Product
    events: Sequence[Event]


class Changeable(Protocol):
    """Keeps products; state and outbox are one atomic write."""

    def get(self, product_id: str) -> Product:
        """Return a product in any state. Raises Missing."""
        ...

    def save(self, change: Change) -> None:
        """Write `after` and the events if `before` is still there; a version that goes is kept for the history.

        Raises Overtaken where it is not, Refused where its slug or one of its SKUs is another product's.
        """
        ...


def change(
    product_id: str,
    step: Callable[[Product], Product],
    *,
    store: Changeable,
    now: datetime,
    extra: Callable[[Product, Product], Sequence[Event]] | None = None,
) -> Product:
    """Take a product one step on and tell of it; a step that changes nothing writes nothing.

    Category, stock and staff change the same document: who was overtaken takes the step again from what is there now.
    """
    for _ in range(TRIES):
        before = store.get(product_id)
        after = step(before)
        if after == before:
            return before
        try:
            store.save(changed(before, after, now, extra(before, after) if extra else ()))
        except Overtaken:
            continue
        return after
    raise Unavailable(f"product {product_id} is being changed by many at once")


def changed(before: Product, after: Product, now: datetime, extra: Sequence[Event] = ()) -> Change:
    """Return a change with the events that it is worth, and `extra` ones."""
    return Change(before=before, after=after, events=[*told(before, after, moment(now)), *extra])
