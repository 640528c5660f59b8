"""Products, SKUs and categories to give to keepers."""

from collections.abc import Sequence
from datetime import timedelta

from chalicelib.product.model import Category, Crumb, Details, Product, Sku, State, moment
from souk.clock import utcnow
from souk.ids import new_id
from souk.money import Money

DEFAULT = "default"


def sku(price: int | None = 250, code: str = "") -> Sku:
    prices = {} if price is None else {DEFAULT: Money(price, "USD")}
    return Sku(sku=code or new_id(), prices=prices)


def category(name: str = "Tea", *above: Crumb, version: int = 1) -> Category:
    own = Crumb(new_id(), name, name.lower())
    return Category(id=own.id, version=version, name=name, path=[*above, own])


def product(
    title: str = "Green tea",
    *,
    price: int = 250,
    brand: str = "Acme",
    within: Category | None = None,
    state: State = State.PUBLISHED,
    minutes: int = 0,
    skus: Sequence[Sku] | None = None,
) -> Product:
    """Return a product, made so many minutes ago."""
    at = moment(utcnow()) - timedelta(minutes=minutes)
    made = new_id()
    details = Details(
        slug=made,
        title=title,
        brand=brand,
        category_id=within.id if within else None,
        skus=[sku(price)] if skus is None else list(skus),
    )
    return Product(
        id=made,
        state=state,
        details=details,
        created_at=at,
        changed_at=at,
        changed_by="test",
        published_at=at if state is State.PUBLISHED else None,
        category=within,
    )
