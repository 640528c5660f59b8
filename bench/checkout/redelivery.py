"""Delivering again what was delivered: submissions are taken for unsent once more, and every consumer hears of them."""

from __future__ import annotations

from collections.abc import Collection

from souk.postgres import Database
from souk_cli import traffic
from souk_cli.connections import RELAYS
from souk_local.patience import until

PATIENCE = 120.0  # seconds
GLANCE = 0.2
CONSUMER = "order-submissions"
CALM = 8  # looks in a row without anything on its way: RabbitMQ tells its depths a little late
OUTBOX = Database("cart", RELAYS.removeprefix("_"))
UNSEND = """
    UPDATE outbox SET sent_at = NULL
     WHERE type = 'cart.submitted' AND event::jsonb->>'aggregate' = ANY(%(carts)s) AND sent_at IS NOT NULL
"""


def possible() -> bool:
    """Tell whether it can be seen when all are heard: where the bridge gives events straight to the functions."""
    return bool(traffic.status()["target"] == "direct")


def deliver_again(carts: Collection[str]) -> int:
    """Send the submissions of some carts again, wait until all are heard, and return how many there were."""
    before = _heard()
    with OUTBOX.transaction() as tx:
        count = tx.run(UNSEND, carts=list(carts))
    calm = 0

    def all_heard() -> bool:
        nonlocal calm
        calm = calm + 1 if _heard() >= before + count and not _travelling() else 0
        return calm == CALM

    until(all_heard, "the last submission to arrive", within=PATIENCE, pause=GLANCE)
    return count


def _heard() -> int:
    """Return how many submissions the bridge gave to the order service, or put aside, since it began."""
    told = traffic.status()["consumers"][CONSUMER]
    return int(told["forwarded"] + told["parked"])


def _travelling() -> int:
    """Return how many submissions are on their way to the order service."""
    state = traffic.status()
    told = state["consumers"][CONSUMER]
    return int(state["sources"]["cart rows"]["unsent"] + (told["queue"] or 0) + told["unacked"])
