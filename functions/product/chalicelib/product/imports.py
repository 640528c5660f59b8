"""Bringing in products, and what was bought, from elsewhere, hundreds at a time; a repeated import changes nothing."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from chalicelib.product.events import Changed, told
from chalicelib.product.indexing import Index
from chalicelib.product.merging import Merged, Sources, merged, refresh_all
from chalicelib.product.model import (
    Address,
    Attributes,
    Category,
    Crumb,
    Details,
    LongText,
    Product,
    Reference,
    Skus,
    State,
    TaxClass,
    Text,
    Title,
    moment,
    slug_of,
)
from chalicelib.product.receipts import Receipt
from chalicelib.product.recommendation import Basket, Purchases
from chalicelib.product.sales import PastSales, Progress
from souk.errors import Unavailable
from souk.events import Event
from souk.ids import id_of

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
BASKETS = 100  # orders that the graph counts in one transaction: their pairs grow with the square of their products
IMPORTER = "import"  # who made an imported product


class ImportedProduct(Struct, frozen=True, kw_only=True):
    """A product from elsewhere; `key` is its name there, which a repeated import finds it by.

    Its type is not asked whether the attributes fit. `path` leads from the root category to its own, and stands until
    the catalog tells of that category itself.
    """

    key: str
    title: Title
    published: bool = True
    description: LongText = ""
    brand: Text = ""
    path: list[Crumb] = []
    product_type: Reference | None = None
    attributes: Attributes = {}
    skus: Skus = []
    image: Address | None = None
    tax_class: TaxClass = TaxClass.STANDARD

    def product(self, now: datetime) -> Product:
        """Return it as it is kept. Raises Invalid, and Refused where it is to be published and cannot be sold."""
        known = product_id(self.key)
        details = self._details(known)
        return Product(
            id=known,
            state=State.PUBLISHED if self.published else State.DRAFT,
            details=details.sellable() if self.published else details,
            created_at=now,
            changed_at=now,
            changed_by=IMPORTER,
            published_at=now if self.published else None,
            category=self._category(),
        )

    def _details(self, known: str) -> Details:
        return Details(
            slug=f"{slug_of(self.title)}-{known[-6:]}",
            title=self.title,
            description=self.description,
            brand=self.brand,
            category_id=self.path[-1].id if self.path else None,
            product_type=self.product_type,
            attributes=self.attributes,
            skus=self.skus,
            image=self.image,
            tax_class=self.tax_class,
        ).checked()

    def _category(self) -> Category | None:
        if not self.path:
            return None
        own = self.path[-1]
        return Category(id=own.id, version=0, name=own.name, path=self.path)


class Walkable(Protocol):
    """Goes through all products."""

    def touched(self, since: datetime) -> Iterable[list[Product]]:
        """Return, in batches, the products that anything changed about since a moment."""
        ...


class Importable(Merged, Protocol):
    """Keeps many products at once."""

    def known(self, product_ids: Sequence[str]) -> set[str]:
        """Return those of the ids that products have."""
        ...

    def add_all(self, products: Sequence[tuple[Product, Sequence[Event]]]) -> set[str]:
        """Keep those that are not there yet; return their ids. Raises Refused for a slug or SKU of another product."""
        ...


def product_id(key: str) -> str:
    """Return the id that an imported product gets."""
    return id_of("product", key)


def import_products(
    batch: Sequence[ImportedProduct], *, now: datetime, store: Importable, sources: Sources, index: Index
) -> int:
    """Keep those of `batch` that are new; return how many were new. Those that are there cost one look at their ids.

    The index is shown them first, under a `rev` that any later word overrules, so that it need not be told one by one;
    where it is down, the events that wait make it look later. What is known of their categories and stock is in them
    from the start, so that afterwards only those are written again about which somebody told something meanwhile.
    """
    at = moment(now)
    there = store.known([product_id(given.key) for given in batch])
    begun = merged([given.product(at) for given in batch if product_id(given.key) not in there], sources)
    if not begun:
        return 0
    products = {one.id: replace(one, rev=1) for one in begun}  # under a higher one the index would forget an edit
    shown = _shown(list(products.values()), index)
    told_of = [
        (one, [event for event in told(None, one, at) if not (shown and event.type == Changed.TYPE)])
        for one in products.values()
    ]
    fresh = store.add_all(told_of)
    refresh_all([products[one] for one in sorted(fresh)], store=store, sources=sources, now=at)
    return len(fresh)


def _shown(products: Sequence[Product], index: Index) -> bool:
    try:
        index.write(products)
    except Unavailable:
        return False
    return True


def import_purchases(batch: Sequence[Receipt], *, past: PastSales, purchases: Purchases | None) -> None:
    """Count what was sold and bought together in past orders.

    The claim is the order's id: when its order.placed comes, it changes nothing. `show_sales` then tells the products.
    Without a graph to keep them in, what was bought together is counted when the orders are told again.
    """
    past.note(batch)
    if purchases is None:
        return
    baskets = [Basket.of(one.order_id, [sale.product_id for sale in one.sales]) for one in batch]
    for begin in range(0, len(baskets), BASKETS):
        purchases.count(baskets[begin : begin + BASKETS])


def show_sales(*, past: PastSales, store: Walkable, index: Index, say: Progress) -> int:
    """Show products, and the index, how they sell by now, once for many imported purchases; return how many differed."""
    differed = past.add_up(say)
    if differed:
        with suppress(Unavailable):  # an index that is down learns of sales as they double
            for batch in store.touched(BEGINNING):
                index.write([one for one in batch if one.sold])
    return differed
