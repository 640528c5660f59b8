"""Delivering again what was delivered: submissions are taken for unsent once more, and every consumer hears of them."""

from __future__ import annotations

import time
from collections.abc import Collection

from bench.wire import CannotGoOn
from souk.postgres import Database
from souk_cli import traffic
from souk_cli.connections import RELAYS

PATIENCE = 60.0
GLANCE = 0.2
CALM = 8  # looks in a row without anything on its way: RabbitMQ tells its depths a little late
OUTBOX = Database("cart", RELAYS.removeprefix("_"))
UNSEND = """
    UPDATE outbox SET sent_at = NULL
     WHERE type = 'cart.submitted' AND event::jsonb->>'aggregate' = ANY(%(carts)s) AND sent_at IS NOT NULL
"""


def deliver_again(carts: Collection[str]) -> int:
    """Send the submissions of some carts again, wait until all are heard, and return how many there were."""
    sent = submissions_sent()
    with OUTBOX.transaction() as tx:
        count = tx.run(UNSEND, carts=list(carts))
    end, calm = time.monotonic() + PATIENCE, 0
    while calm < CALM:
        calm = calm + 1 if submissions_sent() >= sent + count and not _travelling() else 0
        if time.monotonic() > end:
            raise CannotGoOn(f"after {PATIENCE:.0f} s events still travel")
        time.sleep(GLANCE)
    return count


def submissions_sent() -> int:
    """Return how many submissions the bridge gave to the order service, or parked, since it began."""
    told = traffic.status()["consumers"]["order-submissions"]
    return int(told["forwarded"] + told["parked"])


def _travelling() -> bool:
    if traffic.status()["target"] == "direct":
        return traffic.travelling(None) > 0
    import boto3

    return traffic.travelling(boto3.client("sqs")) > 0
