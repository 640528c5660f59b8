"""Loads the data by the services' own imports, many rows at a time; whatever is there already stays as it is."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol, TypeVar

from msgspec import Struct

from chalicelib.catalog import imports as catalog
from chalicelib.catalog import live as catalog_live
from chalicelib.catalog.model import Attribute, AttributeType
from chalicelib.customer import imports as customers
from chalicelib.customer import live as customer_live
from chalicelib.order import imports as orders
from chalicelib.product import imports as products
from chalicelib.product import live as product_live
from chalicelib.product.counters import MongoCounters
from chalicelib.product.graph import PurchaseGraph
from chalicelib.product.model import Crumb, Sku
from chalicelib.product.receipts import Receipt, Sale
from chalicelib.product.replicas import MongoSources
from souk.clock import utcnow
from souk.errors import Unavailable
from souk.markets import DEFAULT, MARKETS
from souk.money import Money
from souk_cli.seed.journey import Basket, Journey, Product

Row = TypeVar("Row")
Given = TypeVar("Given")

PASSWORD = "a-household-of-this-shop"  # noqa: S105 - of made-up customers of a local stack
KIND = "grocery"
ATTRIBUTES = (
    Attribute(name="manufacturer", type=AttributeType.NUMBER),
    Attribute(name="package_size", type=AttributeType.TEXT),
)
BATCH = 500
ORDERS = 2_000  # whose sales are counted in one transaction: the more, the fewer products are counted twice
DOCUMENTS = 100  # products at a time: documents with a dozen indexes each
AHEAD = 2_000  # products that may be kept before their events are told: looking for the next one costs more with each
TRIES = 12
LONGEST = 15  # seconds between tries; all of them together are two minutes, in which a store can be started again
YEAR = timedelta(days=365)
LEAST_STOCK = 20
CURRENCY = MARKETS[DEFAULT].currency


class Say(Protocol):
    """Is told how it goes."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Hear what is loaded, how much of it is done, and how much there is."""
        ...

    def waiting(self, why: str, seconds: float) -> None:
        """Hear what does not answer, and after how many seconds it is asked again."""
        ...

    def missing(self, what: str) -> None:
        """Hear what is not there and is gone on without."""
        ...


class Loaded(Struct, kw_only=True):
    """How many of each were new."""

    categories: int = 0
    products: int = 0
    stock: int = 0
    customers: int = 0
    orders: int = 0


def sku_of(product: int) -> str:
    """Return the SKU of a product of the data."""
    return f"CJ-{product}"


def email_of(household: int) -> str:
    """Return the address that a household signs in with."""
    return f"household{household}@example.com"


def load(journey: Journey, *, say: Say, settle: Callable[[], None]) -> Loaded:
    """Load what `journey` chose; the same again changes nothing and continues where a broken run stopped.

    Products come after what belongs to them was told, and orders after the products: `settle` waits until it arrived.
    """
    found, done = journey.products(), Loaded()
    done.categories = _categories(found, say)
    done.stock = _stock(found, say)
    done.customers = _customers(journey.households(), say)
    settle()
    done.products = _products(found, say, settle)
    settle()
    done.orders = _orders(journey, {one.id: one for one in found}, say)
    _patiently(_show_sales, say, say)
    return done


def _categories(found: Sequence[Product], say: Say) -> int:
    paths = {one.path for one in found}
    say("categories", 0, len(paths))
    with catalog_live.catalog() as store:
        catalog.import_product_type(KIND, "Grocery", ATTRIBUTES, now=utcnow(), store=store)
        new = catalog.import_categories(paths, now=utcnow(), store=store)
    say("categories", len(paths), len(paths))
    return new


def _products(found: Sequence[Product], say: Say, settle: Callable[[], None]) -> int:
    return _in_batches("products", found, len(found), _product_batch, say, size=DOCUMENTS, settle=settle)


def _product_batch(batch: Sequence[Product]) -> int:
    rows = [_new_product(one) for one in batch]
    sources = MongoSources(product_live.patient)
    return products.import_products(
        rows, now=utcnow(), store=product_live.all_products, sources=sources, index=product_live.index
    )


def _new_product(one: Product) -> products.ImportedProduct:
    prices = {} if one.price is None else {DEFAULT: Money(one.price, CURRENCY)}
    return products.ImportedProduct(
        key=sku_of(one.id),
        title=one.title,
        brand=one.brand,
        path=_path(one.path),
        product_type=KIND,
        attributes={"manufacturer": one.manufacturer, "package_size": one.package_size},
        skus=[Sku(sku=sku_of(one.id), prices=prices)],
        published=one.price is not None,
    )


@functools.cache
def _path(names: tuple[str, ...]) -> list[Crumb]:
    """Return the way from the root to a category, as the catalog makes it of the same names."""
    way = [catalog.imported(names[:depth]) for depth in range(1, len(names) + 1)]
    return [Crumb(id=one.id, name=one.name, slug=one.slug) for one in way]


def _stock(found: Sequence[Product], say: Say) -> int:
    """Put a month's sales on the shelf."""
    counts = [
        orders.StockCount(sku=sku_of(one.id), on_hand=max(LEAST_STOCK, one.sold // 12))
        for one in found
        if one.price is not None
    ]
    return _in_batches("stock", counts, len(counts), orders.import_stock, say)


def _customers(households: Sequence[int], say: Say) -> int:
    people = [customers.NewCustomer(email=email_of(one), name=f"Household {one}") for one in households]

    def batch(some: Sequence[customers.NewCustomer]) -> int:
        return customers.import_customers(some, PASSWORD, now=utcnow(), database=customer_live.database)

    return _in_batches("customers", people, len(people), batch, say)


def _orders(journey: Journey, known: dict[int, Product], say: Say) -> int:
    """Keep the baskets as orders, as if the data's last day were today."""
    total = journey.count_baskets()
    past = (_past(basket, known) for basket in journey.baskets())
    take = functools.partial(_order_batch, purchases=_graph(say))
    return _in_batches("orders", past, total, take, say, size=ORDERS)


def _graph(say: Say) -> PurchaseGraph | None:
    """Return the graph of purchases, unless it is down: the shop sells without it, as it does here."""
    try:
        product_live.graph.ping()
    except Unavailable as error:
        say.missing(f"{error}: `souk resync order` tells it what was bought together once it is up")
        return None
    return product_live.purchases


def _order_batch(batch: Sequence[orders.PastOrder], *, purchases: PurchaseGraph | None) -> int:
    """Keep orders, and count what was bought: thousands of events would say nothing more."""
    past = MongoCounters(product_live.patient)
    products.import_purchases([_receipt(one) for one in batch], past=past, purchases=purchases)
    return orders.import_orders(batch, tell=False)


def _show_sales(say: Say) -> int:
    return products.show_sales(
        past=MongoCounters(product_live.patient),
        store=product_live.all_products,
        index=product_live.index,
        say=lambda done, total: say("sales", done, total),
    )


def _receipt(past: orders.PastOrder) -> Receipt:
    sales = [Sale(product_id=one.product_id, sku=one.sku, quantity=one.quantity) for one in past.lines]
    return Receipt(order_id=orders.order_id(past.key), sales=sales)


def _past(basket: Basket, known: dict[int, Product]) -> orders.PastOrder:
    return orders.PastOrder(
        key=f"CJ-{basket.id}",
        customer_id=customers.customer_id(email_of(basket.household)),
        placed_at=_recent(basket.at),
        lines=tuple(_line(known[line.product], line.quantity) for line in basket.lines),
    )


def _recent(moment: datetime) -> datetime:
    """Move a moment of the data's year, 2017, into the twelve months before this one began."""
    now = utcnow()
    month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return month - YEAR + (moment - moment.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0))


def _line(product: Product, quantity: int) -> orders.PastLine:
    return orders.PastLine(
        sku=sku_of(product.id),
        product_id=products.product_id(sku_of(product.id)),
        title=product.title,
        quantity=quantity,
        unit_price=Money(product.price or 0, CURRENCY),
    )


def _in_batches(
    what: str,
    rows: Iterable[Row],
    total: int,
    take: Callable[[Sequence[Row]], int],
    say: Say,
    *,
    size: int = BATCH,
    settle: Callable[[], None] | None = None,
) -> int:
    new = done = settled = 0
    say(what, 0, total)
    for batch in _batches(rows, size):
        new += _patiently(take, batch, say)
        done += len(batch)
        say(what, done, total)
        if settle is not None and done % AHEAD == 0 and new > settled:
            settle()
            settled = new
    return new


def _patiently(take: Callable[[Given], int], given: Given, say: Say) -> int:
    """Import what is given, again where a store was too busy to answer: what is there already stays as it is."""
    for tried in range(1, TRIES):
        try:
            return take(given)
        except Unavailable as error:
            pause = min(error.retry_after * tried, LONGEST)
            say.waiting(str(error), pause)
            time.sleep(pause)
    return take(given)


def _batches(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    ahead = iter(rows)
    while batch := list(islice(ahead, size)):
        yield batch
