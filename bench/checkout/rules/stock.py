"""Rules of stock: its ledger, its reservations and what orders sell agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping

from bench.checkout.case import Broken, Case
from bench.checkout.records import Order

KEEPING = frozenset({"held", "committed"})
HOLDS: Mapping[str, frozenset[str]] = {
    "placed": frozenset({"held"}),
    "paid": frozenset({"committed"}),
    "fulfilled": frozenset({"shipped"}),
    "delivered": frozenset({"shipped"}),
    "cancelled": frozenset({"released", "expired"}),
}


def the_ledger_sums(case: Case) -> Broken:
    """Tell of stock that its ledger or its reservations do not sum to, or of which more is promised than there is."""
    kept: Counter[tuple[str, str]] = Counter()
    for one in case.evidence.reservations:
        kept[one.sku, one.location] += one.quantity if one.state in KEEPING else 0
    for held in case.evidence.holds:
        kept[held.sku, held.location] += held.quantity if held.state == "held" else 0
    for stock in case.evidence.stock:
        moved = [one for one in case.evidence.ledger if (one.sku, one.location) == (stock.sku, stock.location)]
        noted = sum(one.on_hand for one in moved), sum(one.reserved for one in moved)
        if noted != (stock.on_hand, stock.reserved):
            yield stock.sku, f"has {stock.on_hand}, {stock.reserved} and the ledger sums to {noted}"
        if kept[stock.sku, stock.location] != stock.reserved:
            yield stock.sku, f"{kept[stock.sku, stock.location]} are kept for orders, {stock.reserved} are reserved"
        if not 0 <= stock.reserved <= stock.on_hand + stock.backorder or stock.on_hand < 0:
            yield stock.sku, f"{stock.reserved} of {stock.on_hand} + {stock.backorder} are promised"


def reservations_match_orders(case: Case) -> Broken:
    """Tell of orders that do not keep just what they sell, in the state that their own status asks for."""
    kept: dict[str, Counter[str]] = defaultdict(Counter)
    states: dict[str, set[str]] = defaultdict(set)
    for one in case.evidence.reservations:
        kept[one.order_id][one.sku] += one.quantity
        states[one.order_id].add(one.state)
    for order in case.evidence.orders.values():
        sold = Counter({line.sku: line.quantity for line in case.lines[order.id]})
        if kept[order.id] != sold:
            yield order.id, f"sells {dict(sold)} and keeps {dict(kept[order.id])}"
        elif not states[order.id] <= HOLDS[order.status] and not _lapsed(order, states[order.id]):
            yield order.id, f"is {order.status} and its stock is {sorted(states[order.id])}"
    yield from ((order, "keeps stock and does not exist") for order in kept.keys() - case.evidence.orders.keys())


def _lapsed(order: Order, states: set[str]) -> bool:
    """Tell whether an order ended because somebody wanted one of its lines; the others are kept until they are wanted."""
    return order.status == "cancelled" and states == {"expired", "held"}


def stock_moved_once_per_order(case: Case) -> Broken:
    """Tell of orders whose entries in the ledger do not sum to what they keep and sent, as when it was moved twice."""
    moved: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for entry in case.evidence.ledger:
        sums = moved[entry.order_id or "", entry.sku]
        sums[0], sums[1] = sums[0] + entry.reserved, sums[1] + entry.on_hand
    for one in case.evidence.reservations:
        reserved = one.quantity if one.state in KEEPING else 0
        sent = -one.quantity if one.state == "shipped" else 0
        if moved[one.order_id, one.sku] != [reserved, sent]:
            yield one.order_id, f"{one.sku} is {one.state}: the ledger moved {moved[one.order_id, one.sku]} for it"


def stock_moved_once_for_quotes(case: Case) -> Broken:
    """Tell of stock of which more or less was moved for quotes than they hold; a hold may be handed on to a new quote."""
    moved: Counter[tuple[str, str]] = Counter()
    held: Counter[tuple[str, str]] = Counter()
    for entry in case.evidence.ledger:
        moved[entry.sku, entry.location] += entry.reserved if entry.quote_id else 0
    for hold in case.evidence.holds:
        held[hold.sku, hold.location] += hold.quantity if hold.state == "held" else 0
    for spot in moved.keys() | held.keys():
        if moved[spot] != held[spot]:
            yield spot[0], f"{held[spot]} are held for quotes, the ledger moved {moved[spot]}"
