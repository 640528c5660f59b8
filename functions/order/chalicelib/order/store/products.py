"""Products in MongoDB: the replica that quotes are priced from, and the snapshot that each order was priced from."""

from collections.abc import Collection
from typing import Any

import msgspec

from chalicelib.order.model.product import Product
from chalicelib.order.model.submission import Snapshot
from souk.errors import Unavailable
from souk.mongo import Mongo

TRIES = 2  # an upsert may lose to a parallel insert once


class Replica:
    """Product documents, one per product, each as its newest event told it; what is no longer sold stays as a tombstone."""

    def __init__(self, mongo: Mongo) -> None:
        """Keep them in that database."""
        self._mongo = mongo

    def keep(self, product: Product) -> None:
        """Keep a product unless a newer version of it is here. Raises Unavailable when that cannot be told yet."""
        from pymongo.errors import DuplicateKeyError

        fields = msgspec.to_builtins(product)
        key = {"_id": fields.pop("id"), "version": {"$lt": product.version}}
        if not product.sold:  # a tombstone keeps what it knew of the product
            skus = fields.pop("skus")
            change = {"$set": {"version": product.version, "sold": False}, "$setOnInsert": {"skus": skus}}
        else:
            change = {"$set": fields}
        with self._mongo.documents() as documents:
            for _ in range(TRIES):
                try:
                    documents["products"].update_one(key, change, upsert=True)
                except DuplicateKeyError:  # a newer version is here, or a parallel insert was first
                    continue
                return
            known = documents["products"].find_one({"_id": product.id}, {"version": 1})
        if known is None or known["version"] < product.version:
            raise Unavailable("another version of the product is just being kept")

    def with_skus(self, skus: Collection[str]) -> list[Product]:
        """Return the products that have any of these SKUs."""
        with self._mongo.documents() as documents:
            return [_product(document) for document in documents["products"].find({"skus.sku": {"$in": sorted(skus)}})]

    def by_id(self, ids: Collection[str]) -> list[Product]:
        """Return these products, as far as they are known."""
        with self._mongo.documents() as documents:
            return [_product(document) for document in documents["products"].find({"_id": {"$in": sorted(ids)}})]

    def snapshot(self, order_id: str) -> Snapshot | None:
        """Return the snapshot of an order, if there is one."""
        with self._mongo.documents() as documents:
            found = documents["snapshots"].find_one({"_id": order_id})
        return None if found is None else _snapshot(found)

    def keep_snapshot(self, snapshot: Snapshot) -> Snapshot:
        """Keep a snapshot under its order's id and return what is kept: the first one wins.

        Raises Unavailable when the first one cannot be read yet.
        """
        from pymongo.errors import DuplicateKeyError

        fields = msgspec.to_builtins(snapshot)
        fields["_id"] = fields.pop("order_id")
        with self._mongo.documents() as documents:
            try:
                documents["snapshots"].insert_one(fields)
            except DuplicateKeyError:  # an earlier or a parallel delivery was first
                kept = documents["snapshots"].find_one({"_id": snapshot.order_id})
            else:
                return snapshot
        if kept is None:
            raise Unavailable("another delivery is just keeping its snapshot")
        return _snapshot(kept)


def _product(document: dict[str, Any]) -> Product:
    return msgspec.convert({**document, "id": document["_id"]}, Product)


def _snapshot(document: dict[str, Any]) -> Snapshot:
    return msgspec.convert({**document, "order_id": document["_id"]}, Snapshot)
