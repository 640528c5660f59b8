"""What the stores themselves say, read by SQL behind the services' back."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import msgspec

from souk.postgres import Database

ORDERS, CARTS = Database("order"), Database("cart")

SHELVES = """
    SELECT sku, on_hand, reserved, backorder,
           (SELECT COALESCE(sum(on_hand), 0)::bigint FROM stock_ledger l WHERE l.sku = s.sku) AS noted_on_hand,
           (SELECT COALESCE(sum(reserved), 0)::bigint FROM stock_ledger l WHERE l.sku = s.sku) AS noted_reserved,
           (SELECT COALESCE(sum(quantity), 0)::bigint FROM reservations r
             WHERE r.sku = s.sku AND state IN ('held', 'committed')) AS kept,
           (SELECT COALESCE(sum(quantity), 0)::bigint FROM reservations r JOIN orders ON id = order_id
             WHERE r.sku = s.sku AND state = 'held' AND held_until < now() AND status = 'cancelled') AS lapsed,
           (SELECT COALESCE(sum(quantity), 0)::bigint FROM order_lines JOIN orders ON id = order_id
             WHERE order_lines.sku = s.sku AND status <> 'cancelled') AS sold
      FROM stock s WHERE sku = ANY(%(skus)s) ORDER BY sku
"""
DECIDED = """
    SELECT order_id::text, decisions.cart_id, orders.id IS NOT NULL AS placed,
           COALESCE((SELECT array_agg(reason->>'code') FROM jsonb_array_elements(reasons) reason), '{}') AS reasons
      FROM decisions LEFT JOIN orders ON orders.id = order_id
     WHERE decisions.cart_id = ANY(%(carts)s)
"""
SUBMITTED = "SELECT order_id::text, cart_id::text, state FROM submissions WHERE cart_id = ANY(%(carts)s::uuid[])"
PLACED = "SELECT count(*) AS n FROM orders WHERE cart_id = ANY(%(carts)s)"
USED = """
    SELECT used, usage_limit,
           (SELECT count(*) FROM voucher_uses u WHERE u.code = v.code AND state = 'used') AS uses
      FROM vouchers v WHERE code = %(code)s
"""


class Shelf(msgspec.Struct, frozen=True, kw_only=True):
    """A SKU's stock: as its row says, as its ledger sums, as reservations keep it and as orders have it."""

    sku: str
    on_hand: int
    reserved: int
    backorder: int
    noted_on_hand: int
    noted_reserved: int
    kept: int
    lapsed: int
    """Of what is kept, how much is of orders that lapsed with another line, and waits for whoever wants it next."""
    sold: int

    def faults(self) -> Iterator[str]:
        """Tell what does not add up. Everything in here is still to be shipped, so orders, reservations and row agree."""
        if min(self.on_hand, self.reserved) < 0 or self.reserved > self.on_hand + self.backorder:
            yield f"{self.sku}: {self.reserved} of {self.on_hand} are promised"
        if (self.noted_on_hand, self.noted_reserved) != (self.on_hand, self.reserved):
            yield f"{self.sku}: the ledger sums to {self.noted_on_hand}, {self.noted_reserved}, not to the row"
        if not self.reserved == self.kept == self.sold + self.lapsed:
            yield f"{self.sku}: {self.reserved} promised, {self.kept} kept by reservations, {self.sold} sold in orders"


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What the order service decided on a submission."""

    order_id: str
    cart_id: str
    placed: bool
    reasons: list[str]


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What the cart service knows of a submission."""

    order_id: str
    cart_id: str
    state: str


def shelves(skus: Collection[str]) -> list[Shelf]:
    """Return the stock of some SKUs."""
    with ORDERS.reading() as session:
        return [msgspec.convert(dict(row), Shelf) for row in session.all(SHELVES, skus=list(skus))]


def decisions(carts: Collection[str]) -> list[Decision]:
    """Return what was decided on submissions of some carts."""
    with ORDERS.reading() as session:
        return [msgspec.convert(dict(row), Decision) for row in session.all(DECIDED, carts=list(carts))]


def submissions(carts: Collection[str]) -> list[Submission]:
    """Return the submissions of some carts."""
    with CARTS.reading() as session:
        return [msgspec.convert(dict(row), Submission) for row in session.all(SUBMITTED, carts=list(carts))]


def orders(carts: Collection[str]) -> int:
    """Return how many orders some carts became."""
    with ORDERS.reading() as session:
        row = session.one(PLACED, carts=list(carts))
    return int(row["n"]) if row else 0


def faults_of_carts(told: Mapping[str, str]) -> Iterator[str]:
    """Tell what is kept of submitted carts, one submission each, and is not what the buyers were told."""
    decided, submitted = decisions(told), submissions(told)
    for what, found in (("decided on", decided), ("submitted", submitted)):
        if len(found) != len(told):
            yield f"{len(found)} orders were {what} for {len(told)} carts"
    for one in decided:
        kept = "placed" if one.placed else "rejected"
        if told[one.cart_id] != kept:
            yield f"cart {one.cart_id}: told {told[one.cart_id]}, decided {kept}"
    if strangers := {one.order_id for one in decided} ^ {one.order_id for one in submitted}:
        yield f"{len(strangers)} orders were submitted and not decided on, or the other way round"


def faults_of_voucher(code: str, *, uses: int) -> Iterator[str]:
    """Tell what is kept of a voucher that was to be used so often, and is something else."""
    with ORDERS.reading() as session:
        row = session.one(USED, code=code)
    if row is None or not row["used"] == row["uses"] == uses or row["used"] > row["usage_limit"]:
        yield f"voucher {code}, {uses} uses: {dict(row or {})}"
