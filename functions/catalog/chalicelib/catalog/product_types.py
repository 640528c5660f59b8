"""Managing the types of products and their attributes."""

from datetime import datetime
from typing import Protocol

from chalicelib.catalog.events import product_type_changed
from chalicelib.catalog.model import Attribute, ProductType
from souk.audit import Origin, audited
from souk.errors import Missing
from souk.events import Event
from souk.ids import is_id, new_id
from souk.paging import Page
from souk.versions import as_seen


class ProductTypes(Protocol):
    """What keeps the types of products."""

    def product_type(self, type_id: str) -> ProductType | None:
        """Return a type."""

    def product_type_for_change(self, type_id: str) -> ProductType | None:
        """Return a type, locked until the transaction ends."""

    def product_types(self, *, limit: int, cursor: str | None) -> Page[ProductType]:
        """Return a page of types, by code."""

    def save_product_type(self, kind: ProductType, *events: Event, now: datetime) -> None:
        """Keep a new or changed type. Raises Refused when its code is taken."""


def read(type_id: str, *, store: ProductTypes) -> ProductType:
    """Return a type. Raises Missing."""
    return _found(store.product_type(type_id) if is_id(type_id) else None)


def create(
    code: str, name: str, attributes: tuple[Attribute, ...], *, by: Origin, now: datetime, store: ProductTypes
) -> ProductType:
    """Add a type. Raises Invalid, Refused when its code is taken."""
    kind = ProductType(id=new_id(), code=code, name=name, attributes=attributes)
    return _save(None, kind, "product-type.create", by=by, now=now, store=store)


def edit(
    type_id: str,
    name: str,
    attributes: tuple[Attribute, ...],
    *,
    seen: int,
    by: Origin,
    now: datetime,
    store: ProductTypes,
) -> ProductType:
    """Give a type another name and other attributes; products are checked when they change. Raises Missing, Stale, Invalid."""
    before = as_seen(_for_change(type_id, store=store), seen, name="product type")
    after = before.edited(name=name, attributes=attributes)
    return _save(before, after, "product-type.edit", by=by, now=now, store=store)


def remove(type_id: str, *, seen: int, by: Origin, now: datetime, store: ProductTypes) -> None:
    """Remove a type; products of it stay what they are. Raises Missing, Stale."""
    before = as_seen(_for_change(type_id, store=store), seen, name="product type")
    _save(before, before.removed(), "product-type.remove", by=by, now=now, store=store)


def told(kind: ProductType, now: datetime) -> Event:
    """Return the event that tells others what a type is."""
    return Event.of(product_type_changed(kind), aggregate=kind.id, version=kind.version, now=now)


def _for_change(type_id: str, *, store: ProductTypes) -> ProductType:
    return _found(store.product_type_for_change(type_id) if is_id(type_id) else None)


def _found(kind: ProductType | None) -> ProductType:
    if kind is None:
        raise Missing("no such product type")
    return kind


def _save(
    before: ProductType | None, after: ProductType, action: str, *, by: Origin, now: datetime, store: ProductTypes
) -> ProductType:
    entry = audited(by, action, after.id, service="catalog", now=now, before=before, after=after)
    store.save_product_type(after, told(after, now), entry, now=now)
    return after
