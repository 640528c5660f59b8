"""MongoDB behind the sales: pieces sold per product, and the orders that were counted."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.product.events import changed
from chalicelib.product.legible import legible
from chalicelib.product.receipts import Receipt
from chalicelib.product.sales import Progress, doubled
from chalicelib.product.store import BATCH, OWN, product_of, telling
from souk.mongo import Mongo

if TYPE_CHECKING:
    from pymongo.database import Database as Documents


class MongoCounters:
    """Counters in MongoDB; an order that was counted is remembered for ever.

    A product's own `sold` is what the index was told last: its document has a dozen indexes, its counter none.
    """

    def __init__(self, mongo: Mongo) -> None:
        """Keep them in `mongo`."""
        self._mongo = mongo

    def count(self, receipts: Sequence[Receipt], now: datetime) -> None:
        """Count the orders that were not counted before, in the order of their keys, in one transaction.

        Whoever sold twice as much as it shows, shows that and tells of it in the same transaction. A product's `sold` is no part of what staff or the merge write, so that neither overtakes the other.
        """
        with self._mongo.transaction() as (documents, session):
            pieces = _counted(receipts, documents, session)
            totals = _totals(sorted(pieces), documents, session)
            grown = {one: sold for one, sold in totals.items() if doubled(sold, pieces[one])}
            if not grown:
                return
            documents.products.bulk_write(_shown(grown), session=session)
            found = documents.products.find({"_id": {"$in": list(grown)}}, OWN, session=session)
            if said := [(one, [changed(one, now)]) for one in legible(found, product_of)]:
                documents.products.bulk_write(telling(said), session=session)

    def sold(self, product_ids: Sequence[str]) -> Mapping[str, int]:
        """Return how many pieces were sold of each of these products that ever was."""
        with self._mongo.documents() as documents:
            return _totals(product_ids, documents)

    def note(self, receipts: Sequence[Receipt]) -> None:
        """Count orders of the past, in one transaction; `add_up` shows the sums on the products."""
        with self._mongo.transaction() as (documents, session):
            _counted(receipts, documents, session)

    def add_up(self, say: Progress) -> int:
        """Show on the products what was sold of them, some at a time; return how many showed something else.

        A sale that is counted meanwhile may collide with it: Unavailable, and the same again goes on.
        """
        with self._mongo.documents() as documents:
            ids = sorted(one["_id"] for one in documents.sold_products.find({}, {"_id": 1}))
        differed = 0
        for begin in range(0, len(ids), BATCH):
            with self._mongo.transaction() as (documents, session):
                totals = _totals(ids[begin : begin + BATCH], documents, session)
                differed += documents.products.bulk_write(_shown(totals), ordered=False, session=session).modified_count
            say(min(begin + BATCH, len(ids)), len(ids))
        return differed


def _counted(receipts: Sequence[Receipt], documents: "Documents[dict[str, Any]]", session: Any) -> Counter[str]:
    """Claim the orders that were not counted before and count them; return the pieces by product."""
    from pymongo import UpdateOne

    told = {one.order_id: one for one in receipts}
    asked = {"_id": {"$in": sorted(told)}}
    known = {one["_id"] for one in documents.sold_orders.find(asked, {"_id": 1}, session=session)}
    fresh = sorted(told.keys() - known)
    pieces: Counter[str] = Counter()
    if not fresh:
        return pieces
    for one in fresh:
        for sale in told[one].sales:
            pieces[sale.product_id] += sale.quantity
    documents.sold_orders.insert_many([{"_id": one} for one in fresh], session=session)
    more = [UpdateOne({"_id": one}, {"$inc": {"sold": sold}}, upsert=True) for one, sold in sorted(pieces.items())]
    documents.sold_products.bulk_write(more, session=session)
    return pieces


def _totals(product_ids: Sequence[str], documents: "Documents[dict[str, Any]]", session: Any = None) -> dict[str, int]:
    if not product_ids:
        return {}
    found = documents.sold_products.find({"_id": {"$in": list(product_ids)}}, session=session)
    return {one["_id"]: one["sold"] for one in found}


def _shown(totals: Mapping[str, int]) -> list[Any]:
    from pymongo import UpdateOne

    return [UpdateOne({"_id": one, "sold": {"$ne": sold}}, {"$set": {"sold": sold}}) for one, sold in totals.items()]
