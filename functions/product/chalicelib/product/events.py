"""The events this service publishes, and what it reads of others'."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

import msgspec
from msgspec import Struct

from chalicelib.product.model import Category, Crumb, Product, State, Stock, TaxClass
from chalicelib.product.product_types import Attribute, ProductType
from chalicelib.product.receipts import Receipt, Sale
from chalicelib.product.recommendation import Basket
from souk.audit import Audited
from souk.events import Event, Fact, catalogue
from souk.money import Money


class PublishedSku(Struct, frozen=True, kw_only=True):
    """A SKU as others keep it."""

    sku: str
    title: str
    attributes: dict[str, object]
    prices: dict[str, Money]


class Published(Fact, frozen=True, kw_only=True):
    """A product can be bought, and this is what it is: at its publication, and again at each later change."""

    TYPE: ClassVar[str] = "product.published"

    product_id: str
    slug: str
    title: str
    brand: str
    category_id: str | None
    product_type: str | None
    image: str | None
    tax_class: TaxClass = TaxClass.STANDARD
    skus: list[PublishedSku]


class _Withdrawn(Fact, frozen=True, kw_only=True):
    product_id: str
    skus: list[str]


class Unpublished(_Withdrawn, frozen=True, kw_only=True):
    """A product cannot be bought any more."""

    TYPE: ClassVar[str] = "product.unpublished"


class Trashed(_Withdrawn, frozen=True, kw_only=True):
    """A product was put in the trash."""

    TYPE: ClassVar[str] = "product.trashed"


class Recovered(_Withdrawn, frozen=True, kw_only=True):
    """A product came back from the trash, as a draft."""

    TYPE: ClassVar[str] = "product.recovered"


class Changed(Fact, frozen=True, kw_only=True):
    """Something about a product changed that the search index shows; the envelope's version is `rev` too."""

    TYPE: ClassVar[str] = "product.changed"

    product_id: str
    rev: int


PUBLISHES = catalogue(Published, Unpublished, Trashed, Recovered, Changed, Audited)
WITHDRAWN: Mapping[tuple[State, State], type[_Withdrawn]] = {
    (State.PUBLISHED, State.DRAFT): Unpublished,
    (State.PUBLISHED, State.TRASHED): Trashed,
    (State.DRAFT, State.TRASHED): Trashed,
    (State.TRASHED, State.DRAFT): Recovered,
}
STANDING: Mapping[State, type[_Withdrawn]] = {State.DRAFT: Unpublished, State.TRASHED: Trashed}


def published(product: Product) -> Published:
    """Return what others are told of a published product."""
    details = product.details
    skus = [
        PublishedSku(sku=sku.sku, title=sku.title, attributes=dict(sku.attributes), prices=sku.prices)
        for sku in details.skus
    ]
    return Published(
        product_id=product.id,
        slug=details.slug,
        title=details.title,
        brand=details.brand,
        category_id=details.category_id,
        product_type=details.product_type,
        image=details.image,
        tax_class=details.tax_class,
        skus=skus,
    )


def told(before: Product | None, after: Product, now: datetime) -> list[Event]:
    """Return the events that a change from `before` (None: there was nothing) to `after` is worth."""
    events = []
    was = State.DRAFT if before is None else before.state
    anew = before is None or before.version != after.version
    if anew and after.state is State.PUBLISHED:
        events.append(_event(published(after), after, now))
    elif kind := WITHDRAWN.get((was, after.state)):
        events.append(_event(_withdrawn(kind, after), after, now))
    if before is None or anew or before.shown != after.shown:
        events.append(changed(after, now))
    return events


def standing(product: Product, now: datetime) -> list[Event]:
    """Return the events that tell again how a product is."""
    kind = STANDING.get(product.state)
    fact = _withdrawn(kind, product) if kind else published(product)
    return [_event(fact, product, now), changed(product, now)]


def changed(product: Product, now: datetime) -> Event:
    """Return the event that makes the indexer look at a product."""
    return Event.of(Changed(product_id=product.id, rev=product.rev), aggregate=product.id, version=product.rev, now=now)


def _withdrawn(kind: type[_Withdrawn], product: Product) -> _Withdrawn:
    return kind(product_id=product.id, skus=[sku.sku for sku in product.details.skus])


def _event(fact: Fact, product: Product, now: datetime) -> Event:
    return Event.of(fact, aggregate=product.id, version=product.version, now=now)


class CategoryChanged(Fact, frozen=True, kw_only=True):
    """A category's name, place or state changed (catalog)."""

    TYPE: ClassVar[str] = "category.changed"

    category_id: str
    name: str
    path: list[Crumb]
    state: str = "active"

    def category(self, version: int) -> Category:
        """Return the category as it is kept here."""
        gone = self.state != "active"
        return Category(id=self.category_id, version=version, name=self.name, path=self.path, removed=gone)


class ProductTypeChanged(Fact, frozen=True, kw_only=True):
    """A product type or its attributes changed (catalog)."""

    TYPE: ClassVar[str] = "product_type.changed"

    product_type_id: str
    code: str
    name: str
    attributes: list[Attribute] = []
    state: str = "active"

    def product_type(self, version: int) -> ProductType:
        """Return the product type as it is kept here."""
        return ProductType(
            id=self.product_type_id,
            version=version,
            code=self.code,
            name=self.name,
            attributes=self.attributes,
            removed=self.state != "active",
        )


class StockChanged(Fact, frozen=True, kw_only=True):
    """A SKU's stock at a location changed (order)."""

    TYPE: ClassVar[str] = "stock.changed"

    sku: str
    location: str = "default"
    available: int
    released_on: date | None = None

    def stock(self, version: int) -> Stock:
        """Return the stock as it is kept here."""
        return Stock(**msgspec.structs.asdict(self), version=version)


class OrderedLine(Struct, frozen=True, kw_only=True):
    """A line of an order."""

    sku: str
    product_id: str
    quantity: int


class OrderPlaced(Fact, frozen=True, kw_only=True):
    """An order was placed (order)."""

    TYPE: ClassVar[str] = "order.placed"

    order_id: str
    lines: list[OrderedLine]

    def basket(self) -> Basket:
        """Return which products were bought together."""
        return Basket.of(self.order_id, [line.product_id for line in self.lines])

    def receipt(self) -> Receipt:
        """Return what was sold."""
        sales = [Sale(sku=line.sku, product_id=line.product_id, quantity=line.quantity) for line in self.lines]
        return Receipt(order_id=self.order_id, sales=sales)
