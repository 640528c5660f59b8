"""What waits: in outboxes to be sent, in queues to be taken, and submissions to be decided on."""

from __future__ import annotations

import os
from contextlib import closing

from bench.checkout.reading import BUCKETS, documents, management, redis_primary, select
from souk_local.services import SQL_SERVICES

UNSENT = "SELECT count(*) FROM outbox WHERE sent_at IS NULL"
UNDECIDED = "SELECT count(*) FROM submissions WHERE state = 'open'"


def left() -> dict[str, int]:
    """Return what waits to be sent or taken, by where it waits."""
    unsent = {f"{service} outbox": _count(service, UNSENT) for service in SQL_SERVICES}
    others = {"product outboxes": _unsent_documents(), "dirty carts": _dirty()}
    return {**unsent, **others, **_queues(), "open submissions": _count("cart", UNDECIDED)}


def queues() -> list[str]:
    """Return the names of all queues."""
    return sorted(management("queues"))


def held() -> dict[str, int]:
    """Return how many messages each queue holds, those that a consumer has taken included; some seconds old."""
    return {name: int(one.get("messages", 0)) for name, one in management("queues").items()}


def _count(service: str, query: str) -> int:
    [row] = select(service, query, {})
    return int(row["count"])


def _dirty() -> int:
    with closing(redis_primary(os.environ["CART_REDIS_URL"])) as client:
        asked = client.pipeline(transaction=False)
        for number in range(BUCKETS):
            asked.zcard(f"{{b{number:02d}}}:dirty")
        return sum(asked.execute())


def _unsent_documents() -> int:
    with closing(documents("PRODUCT_MONGO_URL")) as client:
        return int(client.get_default_database()["products"].count_documents({"outbox.0": {"$exists": True}}))


def _queues() -> dict[str, int]:
    """Return how many messages wait in each queue of RabbitMQ."""
    import pika

    found = {}
    with closing(pika.BlockingConnection(pika.URLParameters(os.environ["BRIDGE_RABBIT_URL"]))) as connection:
        channel = connection.channel()
        for name in management("queues"):
            found[name] = int(channel.queue_declare(name, passive=True).method.message_count)
    return found
