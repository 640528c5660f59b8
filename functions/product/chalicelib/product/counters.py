"""MongoDB behind the sales: pieces sold per product and per SKU, and the orders that were counted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.product.model import Product
from chalicelib.product.receipts import Receipt, Sale
from chalicelib.product.sales import Progress, doubled
from chalicelib.product.store import BATCH, OWN, product_of
from souk.mongo import Mongo

if TYPE_CHECKING:
    from pymongo.database import Database as Documents


class MongoCounters:
    """Counters in MongoDB; an order that was counted is remembered for ever."""

    def __init__(self, mongo: Mongo) -> None:
        """Keep them in `mongo`."""
        self._mongo = mongo

    def count(self, receipts: Sequence[Receipt]) -> list[Product]:
        """Count the orders that were not counted before, in the order of their keys, in one transaction.

        A product's `sold` is no part of what staff or the merge write, so that neither overtakes the other.
        """
        with self._mongo.transaction() as (documents, session):
            sales = _claimed(receipts, documents, session)
            if not sales:
                return []
            pieces = _pieces((sale.product_id, sale) for sale in sales)
            documents.products.bulk_write(_per_product(pieces), session=session)
            found = documents.products.find({"_id": {"$in": sorted(pieces)}}, OWN, session=session)
            return [one for one in map(product_of, found) if doubled(one, pieces[one.id])]

    def note(self, receipts: Sequence[Receipt]) -> None:
        """Count orders of the past per SKU only, in one transaction; `add_up` brings the products up to date after."""
        with self._mongo.transaction() as (documents, session):
            _claimed(receipts, documents, session)

    def add_up(self, say: Progress) -> int:
        """Make the products' sales those of their SKUs, some products at a time; return how many differed.

        A sale that is counted meanwhile collides with it: Unavailable, and the same again goes on.
        """
        owners: dict[str, list[str]] = {}
        with self._mongo.documents() as documents:
            for one in documents.sold_skus.find({}, {"product_id": 1}):
                owners.setdefault(one["product_id"], []).append(one["_id"])
        products, differed = sorted(owners), 0
        for begin in range(0, len(products), BATCH):
            some = products[begin : begin + BATCH]
            differed += self._add_up([sku for one in some for sku in owners[one]])
            say(begin + len(some), len(products))
        return differed

    def _add_up(self, skus: Sequence[str]) -> int:
        with self._mongo.transaction() as (documents, session):
            sold: Counter[str] = Counter()
            for one in documents.sold_skus.find({"_id": {"$in": skus}}, session=session):
                sold[one["product_id"]] += one["sold"]
            return documents.products.bulk_write(_totals(sold), ordered=False, session=session).modified_count


def _claimed(receipts: Sequence[Receipt], documents: "Documents[dict[str, Any]]", session: Any) -> list[Sale]:
    """Claim the orders that were not counted before and count their SKUs; return their sales."""
    told = {one.order_id: one for one in receipts}
    asked = {"_id": {"$in": sorted(told)}}
    known = {one["_id"] for one in documents.sold_orders.find(asked, {"_id": 1}, session=session)}
    fresh = sorted(told.keys() - known)
    if not fresh:
        return []
    documents.sold_orders.insert_many([{"_id": one} for one in fresh], session=session)
    sales = [sale for one in fresh for sale in told[one].sales]
    documents.sold_skus.bulk_write(_per_sku(sales), session=session)
    return sales


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


def _totals(sold: Counter[str]) -> list[Any]:
    from pymongo import UpdateOne

    return [
        UpdateOne({"_id": one, "sold": {"$ne": number}}, {"$set": {"sold": number}}) for one, number in sold.items()
    ]
