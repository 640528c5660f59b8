"""MongoDB behind the sales: pieces sold per product and per SKU, and the orders that were counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from chalicelib.product.sales import Receipt, Sale
from souk.mongo import Mongo


class MongoCounters:
    """Counters in MongoDB; an order that was counted is remembered for ever."""

    def __init__(self, mongo: Mongo) -> None:
        """Keep them in `mongo`."""
        self._mongo = mongo

    def count(self, receipts: Sequence[Receipt]) -> None:
        """Count the orders that were not counted before, in the order of their keys, in one transaction.

        A product's `sold` is no part of what staff or the merge write, so that neither overtakes the other.
        """
        told = {one.order_id: one for one in receipts}
        with self._mongo.transaction() as (documents, session):
            asked = {"_id": {"$in": sorted(told)}}
            known = {one["_id"] for one in documents.sold_orders.find(asked, {"_id": 1}, session=session)}
            fresh = sorted(told.keys() - known)
            if not fresh:
                return
            documents.sold_orders.insert_many([{"_id": one} for one in fresh], session=session)
            sales = [sale for one in fresh for sale in told[one].sales]
            documents.sold_skus.bulk_write(_per_sku(sales), session=session)
            documents.products.bulk_write(_per_product(sales), session=session)


def _per_sku(sales: Iterable[Sale]) -> list[Any]:
    from pymongo import UpdateOne

    pieces: Counter[tuple[str, str]] = Counter()
    for sale in sales:
        pieces[sale.sku, sale.product_id] += sale.quantity
    return [
        UpdateOne({"_id": sku}, {"$inc": {"sold": sold}, "$set": {"product_id": product_id}}, upsert=True)
        for (sku, product_id), sold in sorted(pieces.items())
    ]


def _per_product(sales: Iterable[Sale]) -> list[Any]:
    from pymongo import UpdateOne

    pieces: Counter[str] = Counter()
    for sale in sales:
        pieces[sale.product_id] += sale.quantity
    return [UpdateOne({"_id": product_id}, {"$inc": {"sold": sold}}) for product_id, sold in sorted(pieces.items())]
