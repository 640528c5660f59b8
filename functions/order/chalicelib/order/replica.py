"""The replica of the products: versioned upserts from the product service's events; what is withdrawn stays as a tombstone."""

from typing import Protocol

from chalicelib.order.events import ProductPublished, ProductUnpublished
from chalicelib.order.model.product import Product, SoldSku
from souk.events import Event


class Products(Protocol):
    """Where the replica is kept."""

    def keep(self, product: Product) -> None:
        """Keep a product unless a newer version of it is here."""


def keep(event: Event, fact: ProductPublished | ProductUnpublished, *, products: Products) -> None:
    """Keep what an event tells of a product; an older one than what is known changes nothing."""
    products.keep(_sold(event, fact) if isinstance(fact, ProductPublished) else _withdrawn(event, fact))


def _sold(event: Event, fact: ProductPublished) -> Product:
    skus = tuple(
        SoldSku(sku=one.sku, title=one.title, attributes=one.attributes, prices=one.prices) for one in fact.skus
    )
    return Product(
        id=fact.product_id,
        version=event.version,
        sold=True,
        title=fact.title,
        slug=fact.slug,
        brand=fact.brand,
        image=fact.image,
        tax_class=fact.tax_class,
        skus=skus,
    )


def _withdrawn(event: Event, fact: ProductUnpublished) -> Product:
    skus = tuple(SoldSku(sku=sku) for sku in fact.skus)
    return Product(id=fact.product_id, version=event.version, sold=False, skus=skus)
