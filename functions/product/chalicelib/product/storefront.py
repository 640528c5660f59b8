"""What shoppers look for and find, whichever store answers: the words that listing and search share."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct

from chalicelib.product.model import ALL, WHOLE, Product, folded
from souk.markets import DEFAULT

Key = tuple[int | float | str, str]
Whole = Annotated[int, Meta(ge=-WHOLE, le=WHOLE)]
Score = Annotated[float, Meta(ge=-1e18, le=1e18)]


class Sort(StrEnum):
    """In which order products are shown."""

    RELEVANCE = "relevance"
    NEWEST = "newest"
    PRICE = "price"
    PRICE_DOWN = "-price"
    TITLE = "title"
    BESTSELLING = "best-selling"


class Order(Struct, frozen=True):
    """A sort's field, the same in both stores, its direction, and the type of what a cursor holds."""

    field: str
    up: bool
    key: Any = Whole


SORTS: Mapping[Sort, Order] = {
    Sort.NEWEST: Order("sorting.newest", up=False),
    Sort.PRICE: Order("sorting.price.{market}", up=True),
    Sort.PRICE_DOWN: Order("sorting.price.{market}", up=False),
    Sort.TITLE: Order("sorting.title", up=True, key=str),
    Sort.BESTSELLING: Order("sold", up=False),
}


class Wanted(Struct, frozen=True, kw_only=True):
    """What a shopper looks for. Prices are in minor units of the market's currency, bounds included."""

    text: str = ""
    category: str = ALL
    brands: tuple[str, ...] = ()
    lowest: int | None = None
    highest: int | None = None
    sort: Sort = Sort.NEWEST
    after: Key | None = None
    limit: int = 20
    market: str = DEFAULT
    facets: bool = False


class Bucket(Struct, frozen=True, kw_only=True):
    """How many of the products found share something."""

    key: str
    count: int
    name: str = ""


class PriceBucket(Struct, frozen=True, kw_only=True):
    """How many of the products found cost from `least` to less than `most` (minor units)."""

    count: int
    least: int | None = None
    most: int | None = None


class Facets(Struct, frozen=True, kw_only=True):
    """By what the products found can be narrowed; each counted as if nothing of its own kind was chosen."""

    categories: list[Bucket] = []
    brands: list[Bucket] = []
    prices: list[PriceBucket] = []


class Row(Struct, frozen=True):
    """A product found, and where it stands in the order."""

    product: Product
    key: Key


class Found(Struct, frozen=True, kw_only=True):
    """What was found: one row more than wanted where there is more. `total` is None where it was not counted."""

    rows: list[Row]
    total: int | None = None
    facets: Facets | None = None


class Suggestion(Struct, frozen=True, kw_only=True):
    """A product whose title goes on like what was typed."""

    id: str
    slug: str
    title: str


class Storefront(Protocol):
    """Finds published products: the search engine, and MongoDB in its stead. Raises Unavailable."""

    def find(self, wanted: Wanted) -> Found:
        """Return products in order, and facets where asked for and able to."""
        ...

    def suggest(self, typed: str, limit: int) -> list[Suggestion]:
        """Return products whose title has words that begin like what was typed."""
        ...

    def show(self, id_or_slug: str) -> Product | None:
        """Return a published product."""
        ...


def field(order: Order, market: str) -> str:
    """Return the name of the field that an order sorts by."""
    return order.field.format(market=market)


def sorting(product: Product) -> dict[str, object]:
    """Return what both stores sort a product by, beside `sold`."""
    prices = {code for sku in product.details.skus for code in sku.prices}
    lowest = {code: price.amount for code in sorted(prices) if (price := product.lowest(code))}
    newest = int(product.published_at.timestamp() * 1000) if product.published_at else 0
    return {"newest": newest, "title": folded(product.details.title), "price": lowest}


def place(product: Product, sort: Sort, market: str) -> Key:
    """Return where a product stands in the order; its id breaks ties."""
    if sort in {Sort.BESTSELLING, Sort.RELEVANCE}:
        return product.sold, product.id
    found: object = {"sorting": sorting(product)}
    for part in field(SORTS[sort], market).split("."):
        found = found.get(part, 0) if isinstance(found, dict) else 0
    return (found if isinstance(found, int | str) else 0), product.id


def each_title_once(found: Iterable[Suggestion], limit: int) -> list[Suggestion]:
    """Return the first suggestion of each title."""
    first: dict[str, Suggestion] = {}
    for one in found:
        first.setdefault(one.title, one)
    return list(first.values())[:limit]


def words(text: str) -> list[str]:
    """Return the words of a text as MongoDB keeps and compares them: folded, without a plural's s."""
    spaced = "".join(letter if letter.isalnum() else " " for letter in folded(text)).split()
    return list(dict.fromkeys(word.rstrip("s") or word for word in spaced))


def words_of(product: Product) -> list[str]:
    """Return the words a product can be found by without a search engine."""
    details = product.details
    names = [crumb.name for crumb in product.category.path] if product.category else []
    codes = [sku.sku for sku in details.skus]
    return words(" ".join([details.title, details.brand, *names, *codes]))
