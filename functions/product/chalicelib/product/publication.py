"""Publishing products, taking them back, putting them in the trash and recovering them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from chalicelib.product.changes import Changeable, change
from chalicelib.product.model import Product, State, moment
from souk.audit import Origin, audited
from souk.errors import Refused
from souk.events import Event
from souk.versions import as_seen

ACTIONS: Mapping[tuple[State, State], str] = {
    (State.DRAFT, State.PUBLISHED): "product.publish",
    (State.PUBLISHED, State.DRAFT): "product.unpublish",
    (State.DRAFT, State.TRASHED): "product.trash",
    (State.PUBLISHED, State.TRASHED): "product.trash",
    (State.TRASHED, State.DRAFT): "product.recover",
}


class Move(Protocol):
    """What staff do to a product's state."""

    def __call__(self, product_id: str, *, seen: int, by: Origin, now: datetime, store: Changeable) -> Product:
        """Move a product that is still at version `seen`."""
        ...


class _Standing(Struct, frozen=True):
    state: State


def publish(product_id: str, *, seen: int, by: Origin, now: datetime, store: Changeable) -> Product:
    """Let shoppers find and buy a product. Raises Missing, Stale, Refused."""
    return _move(product_id, State.PUBLISHED, seen=seen, by=by, now=now, store=store)


def unpublish(product_id: str, *, seen: int, by: Origin, now: datetime, store: Changeable) -> Product:
    """Take a product back to the desk. Raises Missing, Stale, Refused."""
    return _move(product_id, State.DRAFT, seen=seen, by=by, now=now, store=store, only=State.PUBLISHED)


def trash(product_id: str, *, seen: int, by: Origin, now: datetime, store: Changeable) -> Product:
    """Put a product in the trash: it keeps its id, its slug and its SKUs. Raises Missing, Stale, Refused."""
    return _move(product_id, State.TRASHED, seen=seen, by=by, now=now, store=store)


def recover(product_id: str, *, seen: int, by: Origin, now: datetime, store: Changeable) -> Product:
    """Take a product out of the trash, as a draft. Raises Missing, Stale, Refused."""
    return _move(product_id, State.DRAFT, seen=seen, by=by, now=now, store=store, only=State.TRASHED)


def _move(
    product_id: str,
    to: State,
    *,
    seen: int,
    by: Origin,
    now: datetime,
    store: Changeable,
    only: State | None = None,
) -> Product:
    def step(product: Product) -> Product:
        current = as_seen(product, seen, name="product")
        if only is not None and current.state not in {only, to}:
            raise Refused(f"the product is {current.state}")
        return current.move(to, by=by.caller.subject, now=moment(now))

    def audit(before: Product, after: Product) -> list[Event]:
        old, new = _Standing(before.state), _Standing(after.state)
        action = ACTIONS[before.state, after.state]
        return [audited(by, action, product_id, service="product", now=now, before=old, after=new)]

    return change(product_id, step, store=store, now=now, extra=audit)
