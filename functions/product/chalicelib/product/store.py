"""MongoDB behind the product service: products with their outboxes, and what they were before.

A product is one document: what the model knows, fields derived from it to be searched by, and the events not yet sent.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from chalicelib.product.changes import Change, Overtaken
from chalicelib.product.legible import but_for, filled, legible
from chalicelib.product.model import Product
from chalicelib.product.products import Made, Wish
from chalicelib.product.storefront import sorting, words, words_of
from souk.audit import Audited
from souk.errors import Missing, Refused
from souk.events import Event
from souk.mongo import Mongo

BATCH = 100  # documents written at once: a larger write could outlast the driver's patience
TOLD = 20  # outboxes rewritten at once, each of which takes longer than a new document
OWN = {"outbox": 0, "words": 0, "shelves": 0, "sorting": 0, "touched_at": 0, "codes": 0}  # what the model does not know
TAKEN: Mapping[str, str] = {
    "details.slug": "the slug is another product's",
    "codes": "a SKU is another product's",
}


def document(product: Product) -> dict[str, Any]:
    """Return a product as it is kept; `sold` is counted elsewhere.

    `codes` are its SKUs, of which no two products have the same; a product without any has its own id there.
    """
    fields: dict[str, Any] = msgspec.to_builtins(product, builtin_types=(datetime,))
    fields["_id"] = fields.pop("id")
    del fields["sold"]
    fields["codes"] = [sku.sku for sku in product.details.skus] or [product.id]
    return fields | {"shelves": product.shelves, "words": words_of(product), "sorting": sorting(product)}


def product_of(found: dict[str, Any]) -> Product:
    """Return the product that a document keeps."""
    return msgspec.convert({**found, "id": found["_id"]}, Product)


def entries(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return events as a document's outbox has them."""
    return [
        {"id": event.id, "type": event.type, "event": event.encoded().decode(), "at": event.occurred_at}
        for event in events
    ]


def replacement(product: Product, events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return the update that writes a product and adds events, each taking the place of an unsent one of its type.

    An audit entry is no state: every one of them is sent.
    """
    kept = {"$literal": document(product)}
    return [{"$replaceWith": {"$mergeObjects": ["$$ROOT", kept, {"touched_at": "$$NOW"}, {"outbox": _outbox(events)}]}}]


def telling(said: Sequence[tuple[Product, Sequence[Event]]]) -> list[Any]:
    """Return the writes that add events to products which are still at the version they tell of."""
    from pymongo import UpdateOne

    return [
        UpdateOne({"_id": product.id, "version": product.version}, [{"$set": {"outbox": _outbox(events)}}])
        for product, events in said
    ]


def _outbox(events: Sequence[Event]) -> dict[str, Any]:
    newer = [event.type for event in events if event.type != Audited.TYPE]
    unsent = {"$filter": {"input": {"$ifNull": ["$outbox", []]}, "cond": {"$not": [{"$in": ["$$this.type", newer]}]}}}
    return {"$concatArrays": [unsent, {"$literal": entries(events)}]}


def _new(product: Product, events: Sequence[Event]) -> dict[str, Any]:
    return {**document(product), "sold": 0, "touched_at": product.created_at, "outbox": entries(events)}


def _as_it_was(before: Product) -> dict[str, Any]:
    fields = msgspec.to_builtins(before, builtin_types=(datetime,))
    return {"product_id": before.id, "version": before.version, "product": fields}


class MongoProducts:
    """Products in MongoDB."""

    def __init__(self, mongo: Mongo) -> None:
        """Keep them in `mongo`."""
        self._mongo = mongo

    def get(self, product_id: str) -> Product:
        """Return a product in any state. Raises Missing."""
        with self._mongo.documents() as documents:
            found = documents.products.find_one({"_id": product_id}, OWN)
        if found is None:
            raise Missing("there is no such product")
        return product_of(found)

    def get_all(self, product_ids: Sequence[str]) -> list[Product]:
        """Return products in any state, in any order. Raises Missing where one is not there."""
        with self._mongo.documents() as documents:
            found = [product_of(one) for one in documents.products.find({"_id": {"$in": list(product_ids)}}, OWN)]
        if len(found) < len(product_ids):
            raise Missing("there is no such product")
        return found

    def add(self, product: Product, events: Sequence[Event]) -> Product:
        """Keep a new product, or return the one that is there already under its id. Raises Refused."""
        from pymongo.errors import DuplicateKeyError

        try:
            with self._mongo.documents() as documents:
                documents.products.insert_one(_new(product, events))
        except DuplicateKeyError as error:
            try:
                return self.get(product.id)
            except Missing:
                raise _taken(error.details) from error
        return product

    def save(self, change: Change) -> None:
        """Write a change that nobody overtook. Raises Overtaken, Refused.

        The version that goes is kept first, under its own number: kept twice it is the same.
        """
        from pymongo.errors import DuplicateKeyError

        before, after = change.before, change.after
        with self._mongo.documents() as documents:
            if before.version != after.version:
                with suppress(DuplicateKeyError):  # somebody else keeps the same version at this moment
                    key = {"_id": f"{before.id}:{before.version}"}
                    documents.versions.update_one(key, {"$setOnInsert": _as_it_was(before)}, upsert=True)
            try:
                asked = {"_id": before.id, "rev": before.rev}
                found = documents.products.update_one(asked, replacement(after, change.events))
            except DuplicateKeyError as error:
                raise _taken(error.details) from error
        if not found.matched_count:
            raise Overtaken("the product was changed by somebody else")

    def save_all(self, changes: Sequence[Change]) -> int:
        """Save those of the changes that nobody overtook; none of them may be of a new version."""
        from pymongo import UpdateOne

        asked = [
            UpdateOne({"_id": one.before.id, "rev": one.before.rev}, replacement(one.after, one.events))
            for one in changes
        ]
        with self._mongo.documents() as documents:
            return documents.products.bulk_write(asked, ordered=False).matched_count

    def pick(self, wish: Wish, *, after: Made | None, limit: int) -> list[Product]:
        """Return products, newest first."""
        asked: dict[str, Any] = {**_wished(wish), **_made_before(after)}

        def ask(left_out: Sequence[str]) -> Iterable[dict[str, Any]]:
            found = documents.products.find({**asked, **but_for(left_out)}, OWN)
            return found.sort([("created_at", -1), ("_id", -1)]).limit(limit)

        with self._mongo.documents() as documents:
            return filled(ask, product_of)

    def versions(self, product_id: str, *, below: int, limit: int) -> list[Product]:
        """Return what a product was, newest first."""
        asked = {"product_id": product_id, "version": {"$lt": below}}
        with self._mongo.documents() as documents:
            found = documents.versions.find(asked, {"product": 1}).sort([("version", -1)]).limit(limit)
            return [msgspec.convert(one["product"], Product) for one in found]

    def in_category(self, category_id: str, *, older_than: int, limit: int) -> list[Product]:
        """Return products of a category that know an older version of it, or none."""
        stale = {
            "$or": [
                {"category": None},
                {"category.id": {"$ne": category_id}},
                {"category.version": {"$lt": older_than}},
            ]
        }
        asked = {"details.category_id": category_id, **stale}
        with self._mongo.documents() as documents:
            return filled(
                lambda left_out: documents.products.find({**asked, **but_for(left_out)}, OWN).limit(limit), product_of
            )

    def of_skus(self, skus: Sequence[str]) -> list[Product]:
        """Return the products that SKUs belong to."""
        with self._mongo.documents() as documents:
            return legible(documents.products.find({"codes": {"$in": list(skus)}}, OWN), product_of)

    def add_all(self, products: Sequence[tuple[Product, Sequence[Event]]]) -> set[str]:
        """Keep those that are not there yet; return their ids. Raises Refused."""
        made = [_new(product, events) for product, events in products]
        return {one for start in range(0, len(made), BATCH) for one in self._add_some(made[start : start + BATCH])}

    def _add_some(self, made: Sequence[dict[str, Any]]) -> set[str]:
        from pymongo.errors import BulkWriteError

        wanted = {one["_id"] for one in made}
        try:
            with self._mongo.documents() as documents:
                documents.products.insert_many(made, ordered=False)
        except BulkWriteError as error:
            failed = {one["op"]["_id"]: one for one in error.details["writeErrors"]}
            there = self.known(list(failed))  # which of several unique fields a server complains of is its own choice
            if other := sorted(failed.keys() - there):
                raise _taken(failed[other[0]]) from error
            return wanted - there
        return wanted

    def known(self, product_ids: Sequence[str]) -> set[str]:
        """Return those of the ids that products have."""
        with self._mongo.documents() as documents:
            return {one["_id"] for one in documents.products.find({"_id": {"$in": list(product_ids)}}, {"_id": 1})}

    def touched(self, since: datetime) -> Iterator[list[Product]]:
        """Return, in batches, the products that anything changed about since a moment."""
        with self._mongo.documents() as documents:
            found = documents.products.find({"touched_at": {"$gte": since}}, OWN).batch_size(TOLD)
            while batch := list(islice(found, TOLD)):
                if products := legible(batch, product_of):
                    yield products

    def tell(self, said: Sequence[tuple[Product, Sequence[Event]]]) -> int:
        """Add events to products that are still at the version they tell of; return to how many."""
        with self._mongo.documents() as documents:
            return documents.products.bulk_write(telling(said), ordered=False).matched_count


def _wished(wish: Wish) -> dict[str, Any]:
    fields = {
        "state": wish.state,
        "details.category_id": wish.category,
        "details.brand": wish.brand,
        "codes": wish.sku,
    }
    asked: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if wish.text:
        asked["words"] = {"$all": words(wish.text)}
    return asked


def _made_before(after: Made | None) -> dict[str, Any]:
    if after is None:
        return {}
    at = datetime.fromtimestamp(after.at / 1000, UTC)
    return {"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": after.id}}]}


def _taken(details: Mapping[str, Any] | None) -> Refused:
    """Say in the shop's words which unique field is another product's."""
    field = next(iter((details or {}).get("keyPattern", {})), "")
    return Refused(TAKEN.get(field, "another product has this already"), code="taken")
