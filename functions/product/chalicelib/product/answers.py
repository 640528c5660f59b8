"""Answers given to an Idempotency-Key, kept for a day in MongoDB.

The effect needs no claim: a product's `_id` is the attempt's scope, so a second one finds the first. What is kept here
makes the answer the same too, also when it was a refusal.
"""

from contextlib import AbstractContextManager, nullcontext

from souk.clock import utcnow
from souk.idempotency import Attempt, reused
from souk.mongo import Mongo


class MongoAnswers:
    """Answers in MongoDB; see `souk.idempotency.Attempts`."""

    def __init__(self, mongo: Mongo) -> None:
        """Keep them in `mongo`."""
        self._mongo = mongo

    def recall(self, attempt: Attempt) -> bytes | None:
        """Return the answer the attempt got. Raises Invalid where its key came with another body."""
        with self._mongo.documents() as documents:
            kept = documents.attempts.find_one({"_id": attempt.scope})
        if kept is None:
            return None
        if kept["fingerprint"] != attempt.fingerprint:
            raise reused()
        return bytes(kept["outcome"])

    def savepoint(self) -> AbstractContextManager[None]:
        """Undo nothing: the effect is one atomic write, which was done or was not."""
        return nullcontext()

    def remember(self, attempt: Attempt, outcome: bytes) -> None:
        """Keep the answer; the first one given stays."""
        from pymongo.errors import DuplicateKeyError

        kept = {"_id": attempt.scope, "fingerprint": attempt.fingerprint, "outcome": outcome, "at": utcnow()}
        with self._mongo.documents() as documents:
            try:
                documents.attempts.insert_one(kept)
            except DuplicateKeyError:
                return
