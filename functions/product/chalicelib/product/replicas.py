"""MongoDB behind the replicas: categories, product types and stock as their owners tell of them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from chalicelib.product.model import Category, Stock
from chalicelib.product.product_types import ProductType
from souk.mongo import Mongo

if TYPE_CHECKING:
    from pymongo.errors import BulkWriteError

DUPLICATE = 11000  # MongoDB's number of a duplicate key
FIRST = "default"  # the location whose stock is kept under the SKU alone
Kept = TypeVar("Kept", Category, ProductType, Stock)


class MongoSources:
    """Replicas in MongoDB: one document each, never deleted, overwritten by newer versions only."""

    def __init__(self, mongo: Mongo) -> None:
        """Keep them in `mongo`."""
        self._mongo = mongo

    def categories(self, category_ids: Sequence[str]) -> list[Category]:
        """Return categories, as far as they are known."""
        return self._all("categories", {"_id": {"$in": list(category_ids)}}, Category) if category_ids else []

    def product_type(self, code: str) -> ProductType | None:
        """Return a product type by its code; a removed one only where no other has taken its code."""
        kept = self._all("product_types", {"code": code}, ProductType)
        return min(kept, key=lambda kind: kind.removed, default=None)

    def stock(self, skus: Sequence[str]) -> list[Stock]:
        """Return the stock of SKUs at every location, as far as it is known."""
        return self._all("stock", {"sku": {"$in": list(skus)}}, Stock) if skus else []

    def keep_category(self, category: Category) -> None:
        """Keep a category."""
        self._keep("categories", {category.id: category})

    def keep_product_type(self, kind: ProductType) -> None:
        """Keep a product type."""
        self._keep("product_types", {kind.id: kind})

    def keep_stock(self, levels: Sequence[Stock]) -> None:
        """Keep the stock of SKUs at locations, in one round trip."""
        self._keep("stock", {_place(one): one for one in levels})

    def _all(self, collection: str, asked: dict[str, Any], shape: type[Kept]) -> list[Kept]:
        with self._mongo.documents() as documents:
            return [msgspec.convert(one, shape) for one in documents[collection].find(asked)]

    def _keep(self, collection: str, kept: Mapping[str, Category | ProductType | Stock]) -> None:
        """Upsert each under its version. It collides with a newer one, and with a parallel insert: once more, then."""
        from pymongo import ReplaceOne
        from pymongo.errors import BulkWriteError

        asked = [
            ReplaceOne({"_id": key, "version": {"$lt": one.version}}, msgspec.to_builtins(one), upsert=True)
            for key, one in kept.items()
        ]
        with self._mongo.documents() as documents:
            for _ in range(2):
                try:
                    documents[collection].bulk_write(asked, ordered=False)
                except BulkWriteError as error:
                    if _collided(error):
                        continue
                    raise
                return


def _place(stock: Stock) -> str:
    return stock.sku if stock.location == FIRST else f"{stock.location} {stock.sku}"  # no SKU has a blank in it


def _collided(error: "BulkWriteError") -> bool:
    details = error.details or {}
    return all(one["code"] == DUPLICATE for one in details["writeErrors"]) and not details["writeConcernErrors"]
