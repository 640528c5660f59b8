"""The outbox inside MongoDB documents: events wait in the document whose change they tell, until they are sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from souk.mongo import Mongo
from souk_cli.bridge.publisher import Message
from souk_cli.bridge.sources import Lag, Publish, deaf, message

BATCH = 200
COUNTED = 10_000
# The collection has an index on this; an empty outbox has no time at all.
WAITING = {"outbox.at": {"$gt": datetime(1970, 1, 1, tzinfo=UTC)}}
BY_AGE = [("outbox.at", 1)]
ENTRIES = {"outbox": 1}


class DocumentOutbox:
    """One collection of a service."""

    busy = 0.1
    """Most of what products hear of changes none of them, and a look costs the local stack's MongoDB a millisecond."""

    def __init__(self, service: str, collection: str) -> None:
        """Say whose."""
        self.name, self.service = f"{service} documents", service
        self._mongo = Mongo(service)
        self._collection = collection

    listen = staticmethod(deaf)

    def pass_on(self, publish: Publish) -> int:
        """Send what a batch of documents carries, then take that out of them; what came meanwhile stays."""
        with self._mongo.documents() as documents:
            collection = documents[self._collection]
            found = list(collection.find(WAITING, ENTRIES).sort(BY_AGE).limit(BATCH))
        entries = [entry for document in found for entry in document["outbox"]]
        if not entries:
            return 0
        sent = publish(list(_messages(entries).values()))
        self._take_out(found, sorted(sent))
        return len(sent)

    def _take_out(self, found: list[dict[str, Any]], sent: list[str]) -> None:
        """Take what was sent out of documents, each by itself.

        An update of many would keep the local stack's MongoDB from a whole collection while it waits for a transaction
        that has changed one of them, and so that transaction from its end.
        """
        from pymongo import UpdateOne

        gone = {"$pull": {"outbox": {"id": {"$in": sent}}}}
        with self._mongo.documents() as documents:
            one_by_one = [UpdateOne({"_id": document["_id"]}, gone) for document in found]
            documents[self._collection].bulk_write(one_by_one, ordered=False)

    def lag(self) -> Lag:
        """Count the documents that carry something, and find the oldest entry."""
        with self._mongo.documents() as documents:
            collection = documents[self._collection]
            unsent = collection.count_documents(WAITING, limit=COUNTED)
            oldest = collection.find_one(WAITING, ENTRIES, sort=BY_AGE) if unsent else None
        return Lag(unsent=unsent, oldest_seconds=_age(oldest["outbox"][0]) if oldest and oldest["outbox"] else 0.0)

    def purge(self) -> int:
        """Nothing is kept after sending."""
        return 0


def _messages(entries: list[dict[str, Any]]) -> dict[str, Message]:
    return {entry["id"]: message(entry["id"], entry["type"], entry["event"]) for entry in entries}


def _age(entry: dict[str, Any]) -> float:
    at = entry.get("at")
    return max(0.0, time.time() - at.timestamp()) if isinstance(at, datetime) else 0.0
