"""What the doors show of products: one shape for staff, two for shoppers."""

from datetime import date, datetime

from msgspec import Struct

from chalicelib.product.model import Attributes, Category, Crumb, Product, Sku, State, TaxClass
from chalicelib.product.storefront import Facets, Suggestion
from souk.money import Money


class SkuView(Struct, frozen=True, kw_only=True):
    """A SKU as staff see it; `available` is null while the stock has not been heard of."""

    sku: str
    title: str
    attributes: Attributes
    prices: dict[str, Money]
    available: int | None

    @classmethod
    def of(cls, sku: Sku, product: Product) -> "SkuView":
        """Show a SKU of a product."""
        return cls(
            sku=sku.sku,
            title=sku.title,
            attributes=sku.attributes,
            prices=sku.prices,
            available=product.available(sku.sku),
        )


class ProductView(Struct, frozen=True, kw_only=True):
    """A product as staff see it."""

    id: str
    version: int
    state: State
    slug: str
    title: str
    description: str
    brand: str
    category_id: str | None
    category_path: list[Crumb]
    product_type: str | None
    attributes: Attributes
    skus: list[SkuView]
    image: str | None
    tax_class: TaxClass
    sold: int
    created_at: datetime
    changed_at: datetime
    changed_by: str
    published_at: datetime | None

    @classmethod
    def of(cls, product: Product) -> "ProductView":
        """Show a product."""
        details = product.details
        return cls(
            id=product.id,
            version=product.version,
            state=product.state,
            slug=details.slug,
            title=details.title,
            description=details.description,
            brand=details.brand,
            category_id=details.category_id,
            category_path=path_of(product.category),
            product_type=details.product_type,
            attributes=details.attributes,
            skus=[SkuView.of(sku, product) for sku in details.skus],
            image=details.image,
            tax_class=details.tax_class,
            sold=product.sold,
            created_at=product.created_at,
            changed_at=product.changed_at,
            changed_by=product.changed_by,
            published_at=product.published_at,
        )


class Card(Struct, frozen=True, kw_only=True):
    """A product in a list: `price` is the lowest of its SKUs; `in_stock` is null while that is not known."""

    id: str
    slug: str
    title: str
    brand: str
    image: str | None
    price: Money | None
    category: Crumb | None
    in_stock: bool | None

    @classmethod
    def of(cls, product: Product, market: str) -> "Card":
        """Show a product to the shoppers of a market."""
        details, path = product.details, path_of(product.category)
        return cls(
            id=product.id,
            slug=details.slug,
            title=details.title,
            brand=details.brand,
            image=details.image,
            price=product.lowest(market),
            category=path[-1] if path else None,
            in_stock=product.in_stock,
        )


class Offer(Struct, frozen=True, kw_only=True):
    """A SKU as shoppers see it: `available` tells whether it can be had, not how many there are.

    What is ordered before `released_on` is sent then.
    """

    sku: str
    title: str
    attributes: Attributes
    price: Money | None
    available: bool | None
    released_on: date | None

    @classmethod
    def of(cls, sku: Sku, product: Product, market: str) -> "Offer":
        """Show a SKU to the shoppers of a market."""
        left = product.available(sku.sku)
        return cls(
            sku=sku.sku,
            title=sku.title,
            attributes=sku.attributes,
            price=sku.prices.get(market),
            available=None if left is None else left > 0,
            released_on=product.released_on(sku.sku),
        )


class Item(Struct, frozen=True, kw_only=True):
    """A product on its own page."""

    id: str
    version: int
    slug: str
    title: str
    description: str
    brand: str
    image: str | None
    attributes: Attributes
    category_path: list[Crumb]
    price: Money | None
    in_stock: bool | None
    skus: list[Offer]
    degraded: bool = False

    @classmethod
    def of(cls, product: Product, market: str, *, degraded: bool) -> "Item":
        """Show a product to the shoppers of a market."""
        details = product.details
        return cls(
            id=product.id,
            version=product.version,
            slug=details.slug,
            title=details.title,
            description=details.description,
            brand=details.brand,
            image=details.image,
            attributes=details.attributes,
            category_path=path_of(product.category),
            price=product.lowest(market),
            in_stock=product.in_stock,
            skus=[Offer.of(sku, product, market) for sku in details.skus],
            degraded=degraded,
        )


class Cards(Struct, frozen=True, kw_only=True):
    """A page of products; `degraded` says that a store was down and another answered in its stead."""

    items: list[Card]
    next: str | None = None
    degraded: bool = False


class SearchPage(Struct, frozen=True, kw_only=True):
    """A page of products found; facets and the total are left out where the search engine is down."""

    items: list[Card]
    next: str | None = None
    total: int | None = None
    facets: Facets | None = None
    degraded: bool = False


class Suggestions(Struct, frozen=True, kw_only=True):
    """What could be meant by what was typed."""

    items: list[Suggestion]
    degraded: bool = False


class Recommendations(Struct, frozen=True, kw_only=True):
    """Products to recommend; the first `together` of them were bought together, the others sell best nearby."""

    items: list[Card]
    together: int
    degraded: bool = False


def path_of(category: Category | None) -> list[Crumb]:
    """Return the categories from the root to a product's own; none where it was removed."""
    return [] if category is None or category.removed else category.path
