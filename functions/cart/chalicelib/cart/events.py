"""What the cart service says and what it listens to."""

from datetime import date, datetime
from typing import ClassVar

import msgspec

from chalicelib.cart.model import Cart, Reason
from souk.events import Fact, catalogue
from souk.money import Money


class CartChanged(Cart, Fact, frozen=True, kw_only=True):
    """A cart as it is now, whatever changed in it: the document that Redis holds, and the history of that Redis."""

    TYPE: ClassVar[str] = "cart.changed"

    history: str | None = None


class SubmittedLine(msgspec.Struct, frozen=True, kw_only=True):
    """A wish as it was submitted; the product is to be known in this version at least before it is priced."""

    sku: str
    product_id: str
    quantity: int
    product_version: int


class CartSubmitted(Fact, frozen=True, kw_only=True):
    """A shopper wants an order under this id, for this total."""

    TYPE: ClassVar[str] = "cart.submitted"

    order_id: str
    cart_id: str
    attempt: int
    market: str
    customer_id: str | None
    lines: tuple[SubmittedLine, ...]
    quote_id: str
    accepted_total: Money

    @classmethod
    def of(cls, cart: Cart) -> "CartSubmitted":
        """Say what a frozen cart asks for."""
        if cart.quote_id is None or cart.accepted_total is None:
            raise LookupError(f"the cart {cart.id} was never submitted")
        return cls(
            order_id=cart.order_id,
            cart_id=cart.id,
            attempt=cart.attempt,
            market=cart.market,
            customer_id=cart.holder.customer_id,
            lines=tuple(
                SubmittedLine(
                    sku=line.sku,
                    product_id=line.product_id,
                    quantity=line.quantity,
                    product_version=line.product_version,
                )
                for line in cart.wanted
            ),
            quote_id=cart.quote_id,
            accepted_total=cart.accepted_total,
        )


class CartAbandoned(Fact, frozen=True, kw_only=True):
    """Somebody filled a cart and did not come back to it for long."""

    TYPE: ClassVar[str] = "cart.abandoned"

    cart_id: str
    market: str
    customer_id: str | None
    line_count: int
    item_count: int
    changed_at: datetime

    @classmethod
    def of(cls, cart: Cart) -> "CartAbandoned":
        """Say which cart nobody came back to."""
        return cls(
            cart_id=cart.id,
            market=cart.market,
            customer_id=cart.holder.customer_id,
            line_count=cart.line_count,
            item_count=cart.item_count,
            changed_at=cart.changed_at,
        )


PUBLISHES = catalogue(CartChanged, CartSubmitted, CartAbandoned)


class OrderPlaced(Fact, frozen=True, kw_only=True):
    """The order exists."""

    TYPE: ClassVar[str] = "order.placed"

    order_id: str


class OrderRejected(Fact, frozen=True, kw_only=True):
    """The order will not exist, for these reasons; where only the total was in the way there is a new quote."""

    TYPE: ClassVar[str] = "order.rejected"

    order_id: str
    reasons: tuple[Reason, ...] = ()
    quote_id: str | None = None


class PublishedSku(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that can be bought, with its price by market."""

    sku: str
    title: str
    prices: dict[str, Money]
    attributes: dict[str, object] = {}


class ProductPublished(Fact, frozen=True, kw_only=True):
    """A product as it is sold now."""

    TYPE: ClassVar[str] = "product.published"

    product_id: str
    title: str
    slug: str = ""
    image: str | None = None
    skus: tuple[PublishedSku, ...]


class ProductUnpublished(Fact, frozen=True, kw_only=True):
    """A product is not sold any more."""

    TYPE: ClassVar[str] = "product.unpublished"

    product_id: str


class ProductTrashed(ProductUnpublished, frozen=True, kw_only=True):
    """A product was put in the trash."""

    TYPE: ClassVar[str] = "product.trashed"


class ProductRecovered(ProductUnpublished, frozen=True, kw_only=True):
    """A product is out of the trash; it is not sold before it is published again."""

    TYPE: ClassVar[str] = "product.recovered"


class StockChanged(Fact, frozen=True, kw_only=True):
    """How many of a SKU can be sold at a location, under the version of that location's stock."""

    TYPE: ClassVar[str] = "stock.changed"

    sku: str
    location: str = "default"
    available: int
    ready: int | None = None  # of the available ones those that are there; all of them where nothing is said
    expected_on: date | None = None
    released_on: date | None = None
