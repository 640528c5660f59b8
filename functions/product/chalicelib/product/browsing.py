"""MongoDB as a storefront: shows products, and finds them while the search engine is down."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.product.legible import but_for, filled, legible
from chalicelib.product.model import ALL, Product
from chalicelib.product.store import OWN, product_of
from chalicelib.product.storefront import (
    SORTS,
    Found,
    Key,
    Order,
    Row,
    Sort,
    Suggestion,
    Wanted,
    each_title_once,
    field,
    place,
    words,
)
from souk.ids import is_id
from souk.mongo import Mongo

SHORT = {**OWN, "details.description": 0}
ALIKE = 4  # products that are looked at per title, as several may have the same
LAST = "\uffff"  # sorts after every letter


class MongoStorefront:
    """Products on sale, in MongoDB; words are compared without typo tolerance, and facets are not counted."""

    def __init__(self, mongo: Mongo) -> None:
        """Look into `mongo`."""
        self._mongo = mongo

    def find(self, wanted: Wanted) -> Found:
        """Return products in order; what is relevant is what sells best."""
        sort = Sort.BESTSELLING if wanted.sort is Sort.RELEVANCE else wanted.sort
        order = SORTS[sort]
        name, way = field(order, wanted.market), 1 if order.up else -1
        asked = {**_filters(wanted), **_past(wanted.after, order, name)}

        def ask(left_out: Sequence[str]) -> Iterable[dict[str, Any]]:
            found = documents.products.find({**asked, **but_for(left_out)}, SHORT)
            return found.sort([(name, way), ("_id", way)]).limit(wanted.limit + 1)

        with self._mongo.documents() as documents:
            products = filled(ask, product_of)
        return Found(rows=[Row(one, place(one, sort, wanted.market)) for one in products])

    def suggest(self, typed: str, limit: int) -> list[Suggestion]:
        """Return products that have all the words typed, the last one begun; none where no word was typed."""
        if not (typed_words := words(typed)):
            return []
        *whole, begun = typed_words
        asked: dict[str, Any] = {"shelves": ALL, "words": {"$elemMatch": {"$gte": begun, "$lt": begun + LAST}}}
        if whole:
            asked = {"$and": [asked, {"words": {"$all": whole}}]}
        with self._mongo.documents() as documents:
            found = documents.products.find(asked, {"details.slug": 1, "details.title": 1}).sort("sold", -1)
            likely = [
                Suggestion(id=one["_id"], slug=one["details"]["slug"], title=one["details"]["title"])
                for one in found.limit(limit * ALIKE)
            ]
        return each_title_once(likely, limit)

    def show(self, id_or_slug: str) -> Product | None:
        """Return a published product."""
        key = "_id" if is_id(id_or_slug) else "details.slug"
        with self._mongo.documents() as documents:
            found = documents.products.find_one({key: id_or_slug, "shelves": ALL}, OWN)
        return product_of(found) if found else None

    def show_all(self, product_ids: Sequence[str]) -> list[Product]:
        """Return those of the products that are published."""
        with self._mongo.documents() as documents:
            found = documents.products.find({"_id": {"$in": list(product_ids)}, "shelves": ALL}, SHORT)
            return legible(found, product_of)


def _filters(wanted: Wanted) -> dict[str, Any]:
    asked: dict[str, Any] = {"shelves": wanted.category}
    if wanted.brands:
        asked["details.brand"] = {"$in": list(wanted.brands)}
    bounds = {"$gte": wanted.lowest, "$lte": wanted.highest}
    if price := {sign: bound for sign, bound in bounds.items() if bound is not None}:
        asked[f"sorting.price.{wanted.market}"] = price
    if wanted.text:
        asked["words"] = {"$all": words(wanted.text)}
    return asked


def _past(after: Key | None, order: Order, name: str) -> Mapping[str, Any]:
    if after is None:
        return {}
    sign = "$gt" if order.up else "$lt"
    return {"$or": [{name: {sign: after[0]}}, {name: after[0], "_id": {sign: after[1]}}]}
