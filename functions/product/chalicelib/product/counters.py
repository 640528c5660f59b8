"""MongoDB behind the sales: pieces sold per product and per SKU, and the orders that were counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from chalicelib.product.model import Product
from chalicelib.product.receipts import Receipt, Sale
from chalicelib.product.sales import doubled
from chalicelib.product.store import OWN, product_of
from souk.mongo import Mongo


class MongoCounters:
    """Counters in MongoDB; an order that was counted is remembered for ever."""

    def __init__(self, mongo: Mongo) -> None:
        """Keep them in `mongo`."""
        self._mongo = mongo

    def count(self, receipts: Sequence[Receipt]) -> list[Product]:
        """Count the orders that were not counted before, in the order of their keys, in one transaction.

        A product's `sold` is no part of what staff or the merge write, so that neither overtakes the other.
        """
        told = {one.order_id: one for one in receipts}
        with self._mongo.transaction() as (documents, session):
            asked = {"_id": {"$in": sorted(told)}}
            known = {one["_id"] for one in documents.sold_orders.find(asked, {"_id": 1}, session=session)}
            fresh = sorted(told.keys() - known)
            if not fresh:
                return []
            documents.sold_orders.insert_many([{"_id": one} for one in fresh], session=session)
            sales = [sale for one in fresh for sale in told[one].sales]
            pieces = _pieces((sale.product_id, sale) for sale in sales)
            documents.sold_skus.bulk_write(_per_sku(sales), session=session)
            documents.products.bulk_write(_per_product(pieces), session=session)
            found = documents.products.find({"_id": {"$in": sorted(pieces)}}, OWN, session=session)
            return [one for one in map(product_of, found) if doubled(one, pieces[one.id])]


def _pieces(sales: Iterable[tuple[str, Sale]]) -> Counter[str]:
    pieces: Counter[str] = Counter()
    for key, sale in sales:
        pieces[key] += sale.quantity
    return pieces


def _per_sku(sales: Sequence[Sale]) -> list[Any]:
    from pymongo import UpdateOne

    owners = {sale.sku: sale.product_id for sale in sales}
    return [
        UpdateOne({"_id": sku}, {"$inc": {"sold": sold}, "$set": {"product_id": owners[sku]}}, upsert=True)
        for sku, sold in sorted(_pieces((sale.sku, sale) for sale in sales).items())
    ]


def _per_product(pieces: Counter[str]) -> list[Any]:
    from pymongo import UpdateOne

    return [UpdateOne({"_id": product_id}, {"$inc": {"sold": sold}}) for product_id, sold in sorted(pieces.items())]
