"""Rules of orders: their money sums, and they are what they were priced from, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from bench.checkout.case import Broken, Case
from bench.checkout.records import Line, Order


def money_sums(case: Case) -> Broken:
    """Tell of orders whose parts do not sum to their total, or are negative."""
    for order in case.evidence.orders.values():
        for fault in _sums(order, case.lines[order.id]):
            yield order.id, fault


def _sums(order: Order, lines: list[Line]) -> Iterator[str]:
    tax = 0 if order.tax_included else order.tax
    if order.total != order.goods - order.discount + order.shipping + tax:
        yield f"the total {order.total} is not {order.goods} - {order.discount} + {order.shipping} + {tax}"
    if sum(line.total for line in lines) != order.goods:
        yield f"the lines sum to {sum(line.total for line in lines)}, not to {order.goods}"
    if sum(line.discount for line in lines) != order.discount:
        yield f"the lines' discounts sum to {sum(line.discount for line in lines)}, not to {order.discount}"
    if sum(line.tax for line in lines) > order.tax:
        yield f"the lines' tax sums to more than {order.tax}"
    if min(order.total, order.goods, order.shipping, order.tax, order.discount) < 0:
        yield "something is negative"
    yield from (f"{one.sku}: {one.quantity} x {one.unit_price} is not {one.total}" for one in lines if _wrong(one))


def _wrong(line: Line) -> bool:
    return line.total != line.quantity * line.unit_price


def snapshots_are_whole(case: Case) -> Broken:
    """Tell of orders whose snapshot is missing, has another hash than the order keeps, or other lines and prices."""
    for order in case.evidence.orders.values():
        snapshot = case.evidence.snapshots.get(order.id)
        if snapshot is None:
            yield order.id, "has no snapshot"
            continue
        if order.snapshot_hash not in snapshot.digests:
            yield order.id, "its snapshot has another hash"
        if snapshot.lines != {line.sku: (line.quantity, line.unit_price) for line in case.lines[order.id]}:
            yield order.id, f"its snapshot says {snapshot.lines}"


def orders_are_unique(case: Case) -> Broken:
    """Tell of numbers that two orders have, and of submissions that became two."""
    numbers = Counter(order.number for order in case.evidence.orders.values())
    attempts = Counter((order.cart_id, order.attempt) for order in case.evidence.orders.values())
    yield from ((number, "is the number of two orders") for number, times in numbers.items() if times > 1)
    yield from (
        (cart, f"attempt {attempt} is {times} orders") for (cart, attempt), times in attempts.items() if times > 1
    )


def vouchers_were_not_overused(case: Case) -> Broken:
    """Tell of vouchers that more orders hold than may, or that count otherwise than their orders do."""
    for one in case.evidence.vouchers:
        if one.held > one.usage_limit:
            yield one.code, f"{one.held} orders have it, {one.usage_limit} may"
        if one.used != one.held + one.released:
            yield one.code, f"counts {one.used} uses, orders have {one.held} and gave back {one.released}"
