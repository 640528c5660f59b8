"""Products as the order service knows them: what it needs to price a SKU, told by the product service's events."""

from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from chalicelib.order.model.pricing import Offer
from chalicelib.order.model.tax import TaxClass
from souk.money import Money


class SoldSku(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU of a product, with its price by market."""

    sku: str
    title: str = ""
    attributes: dict[str, Any] = {}  # as the product has them: schemaless
    prices: dict[str, Money] = {}


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product at one version of its document; one that is not sold is a tombstone."""

    id: str
    version: int
    sold: bool
    title: str = ""
    slug: str = ""
    brand: str | None = None
    image: str | None = None
    tax_class: TaxClass = TaxClass.STANDARD
    skus: tuple[SoldSku, ...] = ()

    def offers(self, market: str) -> Iterable[Offer]:
        """Return what of it is sold in a market."""
        if not self.sold:
            return
        for one in self.skus:
            if market in one.prices:
                yield self._offer(one, one.prices[market])

    def _offer(self, one: SoldSku, price: Money) -> Offer:
        return Offer(
            sku=one.sku,
            product_id=self.id,
            version=self.version,
            title=self._name(one),
            price=price,
            tax_class=self.tax_class,
            slug=self.slug,
            brand=self.brand or "",
            image=self.image,
            attributes=one.attributes,
        )

    def _name(self, one: SoldSku) -> str:
        """Return what to call a SKU where it stands without its product."""
        if one.title.startswith(self.title):
            return one.title
        return f"{self.title}, {one.title}" if one.title else self.title


def offers_of(products: Collection[Product], market: str) -> dict[str, Offer]:
    """Return what these products offer in a market, by SKU; of two products with one SKU the later document counts."""
    return {offer.sku: offer for one in sorted(products, key=lambda known: known.id) for offer in one.offers(market)}
