"""The outbox inside MongoDB documents: events wait in the document whose change they tell, until they are sent."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from souk.mongo import Mongo
from souk_cli.bridge.link import LOG
from souk_cli.bridge.outbox import Lag, Publish, deaf, message
from souk_cli.bridge.publisher import Message

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
        self._left: set[Any] = set()
        """Documents that carry what cannot be read: looked at again with the next purge, as they would come first."""

    listen = staticmethod(deaf)

    def pass_on(self, publish: Publish) -> int:
        """Send what a batch of documents carries, then take that out of them; what came meanwhile stays."""
        with self._mongo.documents() as documents:
            collection = documents[self._collection]
            found = list(collection.find(self._wanted(), ENTRIES).sort(BY_AGE).limit(BATCH))
        carried = {document["_id"]: self._legible(document) for document in found}
        entries = [entry for legible in carried.values() for entry in legible]
        if not entries:
            return 0
        sent = publish(list(_messages(entries).values()))
        self._take_out([one for one, legible in carried.items() if legible], sorted(sent))
        return len(sent)

    def _wanted(self) -> dict[str, Any]:
        return {**WAITING, "_id": {"$nin": list(self._left)}} if self._left else WAITING

    def _legible(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """Return what a document carries; of one that carries something else as well, leave the rest of it alone."""
        outbox = document["outbox"]
        good = [entry for entry in outbox if _is_entry(entry)]
        if len(good) < len(outbox):
            self._left.add(document["_id"])
            LOG.error("an outbox cannot be read", extra={"source": self.name, "document": str(document["_id"])})
        return good

    def _take_out(self, ids: list[Any], sent: list[str]) -> None:
        """Take what was sent out of documents, each by itself.

        An update of many would keep the local stack's MongoDB from a whole collection while it waits for a transaction
        that has changed one of them, and so that transaction from its end.
        """
        from pymongo import UpdateOne

        gone = {"$pull": {"outbox": {"id": {"$in": sent}}}}
        with self._mongo.documents() as documents:
            one_by_one = [UpdateOne({"_id": one}, gone) for one in ids]
            documents[self._collection].bulk_write(one_by_one, ordered=False)

    def lag(self) -> Lag:
        """Count the documents that carry something, and find the oldest entry."""
        with self._mongo.documents() as documents:
            collection = documents[self._collection]
            unsent = collection.count_documents(WAITING, limit=COUNTED)
            oldest = collection.find_one(WAITING, ENTRIES, sort=BY_AGE) if unsent else None
        return Lag(unsent=unsent, oldest_seconds=max(map(_age, oldest["outbox"]), default=0.0) if oldest else 0.0)

    def purge(self) -> int:
        """Nothing is kept after sending; what could not be read may have been mended."""
        self._left.clear()
        return 0


def _messages(entries: list[dict[str, Any]]) -> dict[str, Message]:
    return {entry["id"]: message(entry["id"], entry["type"], entry["event"]) for entry in entries}


def _is_entry(entry: Any) -> bool:
    return isinstance(entry, dict) and all(isinstance(entry.get(name), str) for name in ("id", "type", "event"))


def _age(entry: Any) -> float:
    at = entry.get("at") if isinstance(entry, dict) else None
    return max(0.0, time.time() - at.timestamp()) if isinstance(at, datetime) else 0.0
