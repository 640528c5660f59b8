"""Events of the order service: what it publishes, and what it reads of others."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import msgspec

from chalicelib.order.model.order import Order
from chalicelib.order.model.reservation import LapsedOrder
from chalicelib.order.model.stock import Level, Movement
from chalicelib.order.model.submission import Reason, Rejection, Submission, SubmittedLine
from chalicelib.order.model.tax import TaxClass
from souk.audit import Audited
from souk.events import Event, Fact, catalogue
from souk.money import Money


class StockChanged(Fact, frozen=True, kw_only=True):
    """The stock of a SKU at a location is now so, under its own version: a SKU's stock is the sum over its locations.

    Of the available ones those that are `ready` are there; more comes on `expected_on`; before `released_on` all of
    them are sold in advance.
    """

    TYPE: ClassVar[str] = "stock.changed"

    sku: str
    location: str
    on_hand: int
    reserved: int
    available: int
    ready: int
    expected_on: date | None
    released_on: date | None


class StockLow(Fact, frozen=True, kw_only=True):
    """No more than `low_at` of a SKU are left at a location: told once, when it falls so low."""

    TYPE: ClassVar[str] = "stock.low"

    sku: str
    location: str
    left: int
    low_at: int


class PlacedLine(msgspec.Struct, frozen=True, kw_only=True):
    """So many of a SKU were ordered."""

    sku: str
    product_id: str
    quantity: int


class OrderPlaced(Fact, frozen=True, kw_only=True):
    """A submission became an order."""

    TYPE: ClassVar[str] = "order.placed"

    order_id: str
    cart_id: str
    attempt: int
    market: str
    customer_id: str | None
    total: Money
    lines: tuple[PlacedLine, ...]


class OrderRejected(Fact, frozen=True, kw_only=True):
    """A submission was turned down."""

    TYPE: ClassVar[str] = "order.rejected"

    order_id: str
    cart_id: str
    attempt: int
    reasons: tuple[Reason, ...]
    quote_id: Annotated[str | None, msgspec.Meta(description="a new quote, where only the price was in the way")]


class OrderPaid(Fact, frozen=True, kw_only=True):
    """The money for an order is there."""

    TYPE: ClassVar[str] = "order.paid"

    order_id: str
    customer_id: str | None


class OrderFulfilled(Fact, frozen=True, kw_only=True):
    """All of an order was shipped."""

    TYPE: ClassVar[str] = "order.fulfilled"

    order_id: str
    customer_id: str | None


class OrderDelivered(Fact, frozen=True, kw_only=True):
    """All of an order was delivered."""

    TYPE: ClassVar[str] = "order.delivered"

    order_id: str
    customer_id: str | None


class OrderCancelled(Fact, frozen=True, kw_only=True):
    """An order was cancelled."""

    TYPE: ClassVar[str] = "order.cancelled"

    order_id: str
    customer_id: str | None


PUBLISHES = catalogue(
    StockChanged,
    StockLow,
    OrderPlaced,
    OrderRejected,
    OrderPaid,
    OrderFulfilled,
    OrderDelivered,
    OrderCancelled,
    Audited,
)
Step = type[OrderPaid] | type[OrderFulfilled] | type[OrderDelivered] | type[OrderCancelled]
STEPS: dict[str, Step] = {
    "paid": OrderPaid,
    "fulfilled": OrderFulfilled,
    "delivered": OrderDelivered,
    "cancelled": OrderCancelled,
}


class CartSubmitted(Fact, frozen=True, kw_only=True):
    """A cart was submitted; what the order service reads of it."""

    TYPE: ClassVar[str] = "cart.submitted"

    order_id: str
    cart_id: str
    attempt: int
    market: str
    customer_id: str | None = None
    lines: tuple[SubmittedLine, ...]
    quote_id: str
    accepted_total: Money

    def submission(self, event: Event) -> Submission:
        """Return the submission that `event` tells of by this."""
        return Submission(
            order_id=self.order_id,
            cart_id=self.cart_id,
            attempt=self.attempt,
            market=self.market,
            customer_id=self.customer_id,
            lines=self.lines,
            quote_id=self.quote_id,
            accepted_total=self.accepted_total,
            submitted_at=event.occurred_at,
            event_id=event.id,
        )


class PublishedSku(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU of a published product, with its price by market."""

    sku: str
    title: str = ""
    attributes: dict[str, Any] = {}
    prices: dict[str, Money] = {}


class ProductPublished(Fact, frozen=True, kw_only=True):
    """A product is sold as it says here."""

    TYPE: ClassVar[str] = "product.published"

    product_id: str
    slug: str = ""
    title: str
    brand: str | None = None
    image: str | None = None
    tax_class: TaxClass = TaxClass.STANDARD
    skus: tuple[PublishedSku, ...] = ()


class ProductUnpublished(Fact, frozen=True, kw_only=True):
    """A product is no longer sold."""

    TYPE: ClassVar[str] = "product.unpublished"

    product_id: str
    skus: tuple[str, ...] = ()


class ProductTrashed(ProductUnpublished, frozen=True, kw_only=True):
    """A product was thrown away."""

    TYPE: ClassVar[str] = "product.trashed"


class ProductRecovered(ProductUnpublished, frozen=True, kw_only=True):
    """A product came back from the trash; it is a draft until it is published."""

    TYPE: ClassVar[str] = "product.recovered"


def stock_changed(levels: Iterable[Level], now: datetime) -> list[Event]:
    """Return one event per row of stock, with the row's version; of several states of a row the newest counts."""
    newest: dict[tuple[str, str], Level] = {}
    for level in levels:
        known = newest.get((level.sku, level.location))
        if known is None or known.version < level.version:
            newest[level.sku, level.location] = level
    return [_of_level(level, now) for level in newest.values()]


def _of_level(level: Level, now: datetime) -> Event:
    fact = StockChanged(
        sku=level.sku,
        location=level.location,
        on_hand=level.on_hand,
        reserved=level.reserved,
        available=level.available,
        ready=level.ready,
        expected_on=level.expected_on,
        released_on=level.released_on,
    )
    return Event.of(fact, aggregate=level.spot.name, version=level.version, now=now)


def stock_moved(
    movements: Sequence[Movement], moved: Sequence[Level], now: datetime, *, freed: Sequence[Level] = ()
) -> list[Event]:
    """Return the events of rows that were moved, after some were freed: how they are, and which of them fell low."""
    low = [_low(level, now) for level in moved if level.fell_low(movements)]
    return [*stock_changed([*freed, *moved], now), *low]


def _low(level: Level, now: datetime) -> Event:
    fact = StockLow(sku=level.sku, location=level.location, left=level.left, low_at=level.low_at or 0)
    return Event.of(fact, aggregate=level.spot.name, version=level.version, now=now)


def order_placed(order: Order) -> Event:
    """Return the event of a new order; told again later, it says the same."""
    fact = OrderPlaced(
        order_id=order.id,
        cart_id=order.cart_id,
        attempt=order.attempt,
        market=order.market,
        customer_id=order.customer_id,
        total=order.totals.total,
        lines=tuple(PlacedLine(sku=one.sku, product_id=one.product_id, quantity=one.quantity) for one in order.lines),
    )
    return Event.of(fact, aggregate=order.id, version=1, now=order.placed_at)


def order_rejected(rejection: Rejection) -> Event:
    """Return the event of a submission that was turned down."""
    fact = OrderRejected(
        order_id=rejection.order_id,
        cart_id=rejection.cart_id,
        attempt=rejection.attempt,
        reasons=rejection.reasons,
        quote_id=rejection.quote_id,
    )
    return Event.of(fact, aggregate=rejection.order_id, version=1, now=rejection.decided_at)


def order_stepped(order: Order) -> Event:
    """Return the event of the status that an order has just reached."""
    fact = STEPS[order.status](order_id=order.id, customer_id=order.customer_id)
    return Event.of(fact, aggregate=order.id, version=order.version, now=order.changed_at)


def order_lapsed(order: LapsedOrder, now: datetime) -> Event:
    """Return the event of an order that was cancelled because its money did not come in time."""
    fact = OrderCancelled(order_id=order.id, customer_id=order.customer_id)
    return Event.of(fact, aggregate=order.id, version=order.version, now=now)
