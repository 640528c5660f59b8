"""Managing products: staff make, edit, list and read them, and look at what they were before."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple, Protocol

from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import asdict, replace

from chalicelib.product.changes import change
from chalicelib.product.events import told
from chalicelib.product.merging import Merged, Sources, merged, refreshed
from chalicelib.product.model import (
    Address,
    AttributeName,
    Attributes,
    Details,
    LongText,
    Product,
    Reference,
    Skus,
    Slug,
    State,
    TaxClass,
    Text,
    Title,
    Value,
    moment,
    slug_of,
)
from chalicelib.product.sales import Counters
from souk.audit import Origin, audited
from souk.errors import Fault, Invalid
from souk.events import Event
from souk.idempotency import Attempt, reused
from souk.ids import new_id
from souk.paging import Page, page
from souk.versions import as_seen

LAST = 253_402_300_799_000  # the end of the year 9999, in milliseconds


class NewProduct(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product to be made; without a slug it gets one from its title."""

    title: Title
    slug: Slug | None = None
    description: LongText = ""
    brand: Text = ""
    category_id: Reference | None = None
    product_type: Reference | None = None
    attributes: Attributes = {}
    skus: Skus = []
    image: Address | None = None
    tax_class: TaxClass = TaxClass.STANDARD

    def details(self, product_id: str) -> Details:
        """Return it as it is kept. A slug made of the title ends in the id's end, so that it is nobody else's."""
        slug = self.slug or f"{slug_of(self.title)}-{product_id[-6:]}"
        return Details(**{**asdict(self), "slug": slug}).checked()


class Edit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be different (RFC 7396): what is not named stays, an attribute set to null goes, SKUs come as a whole."""

    title: Title | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    description: LongText | UnsetType = UNSET
    brand: Text | UnsetType = UNSET
    category_id: Reference | UnsetType | None = UNSET
    product_type: Reference | UnsetType | None = UNSET
    attributes: dict[AttributeName, Value | None] | UnsetType = UNSET
    skus: Skus | UnsetType = UNSET
    image: Address | UnsetType | None = UNSET
    tax_class: TaxClass | UnsetType = UNSET

    def of(self, details: Details) -> Details:
        """Return `details` with what is named here."""
        named = {name: value for name, value in asdict(self).items() if value is not UNSET}
        if self.attributes is not UNSET:
            merged = {**details.attributes, **self.attributes}
            named["attributes"] = {name: value for name, value in merged.items() if value is not None}
        return replace(details, **named).checked()


class Wish(Struct, frozen=True, kw_only=True):
    """Which products staff want to see; what is not named does not matter."""

    state: State | None = None
    category: str | None = None
    brand: str | None = None
    sku: str | None = None
    text: str | None = None


class Made(NamedTuple):
    """Where a product stands among all, newest first: when it was made, in milliseconds since 1970, and its id."""

    at: Annotated[int, Meta(ge=0, le=LAST)]
    id: str


class Products(Merged, Protocol):
    """Keeps products and what they were before."""

    def add(self, product: Product, events: Sequence[Event]) -> Product:
        """Keep a new product; return the one that is there already under its id.

        Raises Refused where its slug or one of its SKUs is another product's.
        """
        ...

    def pick(self, wish: Wish, *, after: Made | None, limit: int) -> list[Product]:
        """Return products, newest first."""
        ...

    def versions(self, product_id: str, *, below: int, limit: int) -> list[Product]:
        """Return what a product was under versions lower than `below`, newest first."""
        ...


def create(
    new: NewProduct, *, by: Origin, attempt: Attempt | None, now: datetime, store: Products, sources: Sources
) -> Product:
    """Make a draft. The same attempt finds the same product again: its id is the attempt's scope.

    Raises Invalid, and Refused where the slug or a SKU is taken.
    """
    product_id = attempt.scope if attempt else new_id()
    details = new.details(product_id)
    _check(details, None, sources)
    product = Product(
        id=product_id,
        details=details,
        created_at=moment(now),
        changed_at=moment(now),
        changed_by=by.caller.subject,
        made_of=attempt.fingerprint if attempt else "",
    )
    audit = audited(by, "product.create", product_id, service="product", now=now, after=details)
    kept = store.add(product, [*told(None, product, moment(now)), audit])
    if kept.made_of != product.made_of:
        raise reused()
    return refreshed(product_id, store=store, sources=sources, now=now)


def edit(
    product_id: str, edits: Edit, *, seen: int, by: Origin, now: datetime, store: Products, sources: Sources
) -> Product:
    """Change a product that is still at version `seen`. Raises Missing, Stale, Invalid, Refused."""

    def step(product: Product) -> Product:
        current = as_seen(product, seen, name="product")
        details = edits.of(current.details)
        _check(details, current.details, sources)
        return current.edit(details, by=by.caller.subject, now=moment(now))

    def audit(before: Product, after: Product) -> list[Event]:
        old, new = before.details, after.details
        return [audited(by, "product.edit", product_id, service="product", now=now, before=old, after=new)]

    edited = change(product_id, step, store=store, now=now, extra=audit)
    if edits.category_id is UNSET and edits.skus is UNSET:
        return edited
    return refreshed(product_id, store=store, sources=sources, now=now)


def as_now(found: Sequence[Product], *, sources: Sources, counters: Counters) -> list[Product]:
    """Return products with as many as there are and were sold by now; their documents show less than each change."""
    sold = counters.sold([one.id for one in found])
    return [replace(one, sold=sold.get(one.id, 0)) for one in merged(found, sources)]


def picked(
    wish: Wish, *, after: Made | None, limit: int, store: Products, sources: Sources, counters: Counters
) -> Page[Product]:
    """Return a page of products as they are now, newest first."""
    found = as_now(store.pick(wish, after=after, limit=limit + 1), sources=sources, counters=counters)
    return page(found, limit, lambda one: Made(int(one.created_at.timestamp() * 1000), one.id))


def history(product_id: str, *, below: int | None, limit: int, store: Products) -> Page[Product]:
    """Return a page of what a product is and was, newest first. Raises Missing."""
    now = store.get(product_id)
    first = [now] if below is None else []
    older = store.versions(product_id, below=now.version if below is None else below, limit=limit + 1 - len(first))
    return page([*first, *older], limit, lambda one: one.version)


def _check(details: Details, before: Details | None, sources: Sources) -> None:
    """Raise Invalid where the type or the category is not known, or the attributes do not fit the type."""
    if details.product_type is not None:
        kind = sources.product_type(details.product_type)
        if kind is None or kind.removed:
            raise _unknown("/product_type", "product type", details.product_type)
        kind.check(details)
    if details.category_id is None or (before is not None and before.category_id == details.category_id):
        return
    if all(one.removed for one in sources.categories([details.category_id])):
        raise _unknown("/category_id", "category", details.category_id)


def _unknown(pointer: str, what: str, name: str) -> Invalid:
    return Invalid(f"there is no {what} {name}", faults=[Fault(pointer, f"there is no such {what}")])
