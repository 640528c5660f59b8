"""Nouns and rules of the product service: products, their SKUs and prices, and the states they go through."""

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct, to_builtins
from msgspec.structs import asdict, replace

from souk.errors import Fault, Invalid, Refused
from souk.markets import DEFAULT, MARKETS
from souk.money import Money

ALL = "all"  # the shelf on which every published product stands, whatever its category
MOST_SKUS = 100
WHOLE = 2**53  # numbers beyond it are not counted exactly by JavaScript
SkuCode = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$(?!\n)")]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$(?!\n)", max_length=120)]
Title = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=200)]
LongText = Annotated[str, Meta(max_length=20_000)]
Reference = Annotated[str, Meta(min_length=1, max_length=64)]
Address = Annotated[str, Meta(max_length=500)]
AttributeName = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,62}$(?!\n)")]
Value = Annotated[str, Meta(max_length=500)] | Annotated[int, Meta(ge=-WHOLE, le=WHOLE)] | float | bool | list[Text]
Attributes = Annotated[dict[AttributeName, Value], Meta(max_length=100)]


class State(StrEnum):
    """Where a product is between the desk and the bin."""

    DRAFT = "draft"
    PUBLISHED = "published"
    TRASHED = "trashed"


class TaxClass(StrEnum):
    """What kind of goods it is to the tax office; the order service knows each country's rate."""

    STANDARD = "standard"
    REDUCED = "reduced"
    ZERO = "zero"


MOVES: Mapping[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.PUBLISHED, State.TRASHED}),
    State.PUBLISHED: frozenset({State.DRAFT, State.TRASHED}),
    State.TRASHED: frozenset({State.DRAFT}),
}


class Sku(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that can be bought, with its price in each market."""

    sku: SkuCode
    title: Text = ""
    attributes: Attributes = {}
    prices: dict[str, Money] = {}


Skus = Annotated[list[Sku], Meta(max_length=MOST_SKUS)]


class Details(Struct, frozen=True, kw_only=True):
    """What staff write about a product."""

    slug: Slug
    title: Title
    description: LongText = ""
    brand: Text = ""
    category_id: Reference | None = None
    product_type: Reference | None = None
    attributes: Attributes = {}
    skus: Skus = []
    image: Address | None = None
    tax_class: TaxClass = TaxClass.STANDARD

    def checked(self) -> "Details":
        """Return this. Raises Invalid with every fault that needs no look at anything else."""
        if faults := [fault for rule in RULES for fault in rule(self)]:
            raise Invalid("the product cannot be kept like this", faults=faults)
        return self

    def sellable(self) -> "Details":
        """Return this. Raises Refused where shoppers could not buy it: without a SKU, or one without a price."""
        if not self.skus:
            raise Refused("a product without a SKU cannot be published")
        bare = [sku.sku for sku in self.skus if DEFAULT not in sku.prices]
        if bare:
            raise Refused(f"these SKUs have no price: {', '.join(bare)}")
        return self


class Crumb(Struct, frozen=True):
    """A category on the way from the root to a product."""

    id: str
    name: str
    slug: str


class Category(Struct, frozen=True, kw_only=True):
    """What is known of a category of the catalog, as of its version."""

    id: str
    version: int
    name: str
    path: list[Crumb]  # root first, itself last
    removed: bool = False


class Stock(Struct, frozen=True, kw_only=True):
    """How many of a SKU can be had from a location, as of that stock's version; before `released_on` in advance."""

    sku: str
    location: str = "default"
    version: int
    available: int
    released_on: date | None = None

    @property
    def place(self) -> tuple[str, str]:
        """What it is about, and what no other is."""
        return self.sku, self.location


class Product(Struct, frozen=True, kw_only=True):
    """A product: staff's word under `version`, merged with the category and the stock under `rev`.

    `rev` is raised by every change, `version` by staff's alone. `made_of` is the fingerprint of the request that made it.
    """

    id: str
    version: int = 1
    rev: int = 1
    state: State = State.DRAFT
    details: Details
    created_at: datetime
    changed_at: datetime
    changed_by: str
    made_of: str = ""
    published_at: datetime | None = None
    category: Category | None = None
    stock: list[Stock] = []
    sold: int = 0

    def edit(self, details: Details, *, by: str, now: datetime) -> "Product":
        """Return it with other details. Raises Refused in the trash, or where a published one could not be sold."""
        if self.state is State.TRASHED:
            raise Refused("a product in the trash must be recovered before it is changed")
        if self.state is State.PUBLISHED:
            details.sellable()
        if details == self.details:
            return self
        kept = [level for level in self.stock if level.sku in {sku.sku for sku in details.skus}]
        category = self.category if details.category_id == self.details.category_id else None
        return self._next(replace(self, details=details, category=category, stock=kept), by=by, now=now)

    def move(self, to: State, *, by: str, now: datetime) -> "Product":
        """Return it in another state. Raises Refused for an illegal move, or an unsellable product to be published."""
        if to is self.state:
            return self
        if to not in MOVES[self.state]:
            raise Refused(f"a product that is {self.state} cannot become {to}")
        since = self.published_at
        if to is State.PUBLISHED:
            self.details.sellable()
            since = since or now
        return self._next(replace(self, state=to, published_at=since), by=by, now=now)

    def _next(self, changed: "Product", *, by: str, now: datetime) -> "Product":
        return replace(changed, version=self.version + 1, rev=self.rev + 1, changed_at=now, changed_by=by)

    def merged(self, category: Category | None, stock: list[Stock]) -> "Product":
        """Return it with what is newer of its category and its stock; itself where nothing is."""
        if category is None or category.id != self.details.category_id or not _newer(category, self.category):
            category = self.category
        known = {level.place: level for level in self.stock}
        own = {sku.sku for sku in self.details.skus}
        known |= {level.place: level for level in stock if level.sku in own and _newer(level, known.get(level.place))}
        changed = replace(self, category=category, stock=sorted(known.values(), key=lambda level: level.place))
        return self if changed == self else replace(changed, rev=self.rev + 1)

    @property
    def shelves(self) -> list[str]:
        """Where shoppers find it: every category from the root to its own; nowhere unless it is published."""
        if self.state is not State.PUBLISHED:
            return []
        if self.category is None or self.category.removed:
            return [ALL]
        return [ALL, *(crumb.id for crumb in self.category.path)]

    @property
    def shown(self) -> tuple[object, ...]:
        """What shoppers see of others' facts: whether something can be had at a location, not how many."""
        return self.category, [(level.place, level.available > 0, level.released_on) for level in self.stock]

    def available(self, sku: str) -> int | None:
        """How many of a SKU can be had, wherever they lie; None while the stock has not been heard of.

        What one location lacks is no other one's loss.
        """
        levels = [max(0, level.available) for level in self.stock if level.sku == sku]
        return sum(levels) if levels else None

    def released_on(self, sku: str) -> date | None:
        """From which day on a SKU is sent, where that was said."""
        return max((level.released_on for level in self.stock if level.sku == sku and level.released_on), default=None)

    @property
    def in_stock(self) -> bool | None:
        """Whether any of its SKUs can be had; None while the stock has not been heard of."""
        return any(level.available > 0 for level in self.stock) if self.stock else None

    def lowest(self, market: str) -> Money | None:
        """Return the lowest price among its SKUs in a market."""
        prices = [sku.prices[market] for sku in self.details.skus if market in sku.prices]
        return min(prices, key=lambda price: price.amount) if prices else None


def _newer(one: Category | Stock, other: Category | Stock | None) -> bool:
    return other is None or getattr(other, "id", None) != getattr(one, "id", None) or one.version > other.version


def _each_sku_once(details: Details) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, sku in enumerate(details.skus):
        if sku.sku in seen:
            yield Fault(f"/skus/{number}/sku", "the same SKU twice")
        seen.add(sku.sku)


def _prices_fit_their_market(details: Details) -> Iterator[Fault]:
    for number, sku in enumerate(details.skus):
        for code, price in sku.prices.items():
            where = f"/skus/{number}/prices/{code}"
            if code not in MARKETS:
                yield Fault(where, "there is no such market")
            elif price.currency != MARKETS[code].currency:
                yield Fault(f"{where}/currency", f"this market's prices are in {MARKETS[code].currency}")
            elif price.amount < 0:
                yield Fault(f"{where}/amount", "a price is not below zero")


def _texts_are_printed(details: Details) -> Iterator[Fault]:
    """Find NUL, which PostgreSQL does not take, where others keep what they are told."""
    for name, value in asdict(details).items():
        if any("\0" in text for text in _texts(to_builtins(value))):
            yield Fault(f"/{name}", "a text has no NUL in it")


def _texts(value: object) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from (text for one in value.values() for text in _texts(one))
        case list():
            yield from (text for one in value for text in _texts(one))


RULES: tuple[Callable[[Details], Iterator[Fault]], ...] = (
    _each_sku_once,
    _prices_fit_their_market,
    _texts_are_printed,
)


def folded(text: str) -> str:
    """Return `text` in lower case and without accents, as it is compared and sorted."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def slug_of(title: str) -> str:
    """Return the slug that a title suggests."""
    return re.sub(r"[^a-z0-9]+", "-", folded(title)).strip("-")[:100].strip("-") or "product"


def moment(now: datetime) -> datetime:
    """Return `now` in whole milliseconds, which is all that MongoDB keeps."""
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
