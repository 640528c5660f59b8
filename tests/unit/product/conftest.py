"""A product desk with everything in memory."""

from typing import Any

import pytest
from contract.product.memory import MemoryProducts, MemoryShop, MemorySources

from chalicelib.product import imports, products, publication
from chalicelib.product.model import Product
from chalicelib.product.products import Edit, NewProduct
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.clock import utcnow
from souk.idempotency import Attempt

BY = Origin(Caller(kind=Kind.STAFF, subject="me"))


class Desk:
    """A product desk with everything in memory."""

    def __init__(self) -> None:
        self.store, self.sources, self.index = MemoryProducts(), MemorySources(), MemoryShop()

    def create(self, title: str = "Tea", attempt: Attempt | None = None, **fields: Any) -> Product:
        new = NewProduct(title=title, **fields)
        return products.create(new, by=BY, attempt=attempt, now=utcnow(), store=self.store, sources=self.sources)

    def edit(self, one: Product, **fields: Any) -> Product:
        return products.edit(
            one.id, Edit(**fields), seen=one.version, by=BY, now=utcnow(), store=self.store, sources=self.sources
        )

    def publish(self, one: Product) -> Product:
        return publication.publish(one.id, seen=one.version, by=BY, now=utcnow(), store=self.store)

    def bring_in(self, *batch: imports.ImportedProduct, index: Any = None) -> int:
        index = index or self.index
        return imports.import_products(batch, now=utcnow(), store=self.store, sources=self.sources, index=index)


@pytest.fixture
def desk() -> Desk:
    return Desk()
