"""A look into MongoDB beside what services ask of it."""

from chalicelib.product.store import MongoProducts


class SeenProducts(MongoProducts):
    """Products in MongoDB, and what is in their outboxes."""

    def unsent(self, product_id: str) -> list[str]:
        with self._mongo.documents() as documents:
            found = documents.products.find_one({"_id": product_id})
        assert found is not None
        return [entry["type"] for entry in found["outbox"]]
