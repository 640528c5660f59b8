"""Rules of events: everybody has heard of what happened, once, and nothing waits."""

from __future__ import annotations

from collections import Counter

from bench.checkout.case import Broken, Case


def sales_were_counted_once(case: Case) -> Broken:
    """Tell of products of which more or less is counted as sold than was ordered, whatever became of the orders."""
    pieces: Counter[str] = Counter()
    for line in case.evidence.lines:
        pieces[line.product_id] += line.quantity
    for product, sold in case.evidence.sold.items():
        if sold != pieces[product]:
            yield product, f"{pieces[product]} were sold, {sold} are counted"


def carts_show_the_stock_there_is(case: Case) -> Broken:
    """Tell of stock that carts show otherwise than it is."""
    there: Counter[str] = Counter()
    for stock in case.evidence.stock:
        there[stock.sku] += stock.available
    for sku, available in there.items():
        if case.evidence.shown.get(sku) != available:
            yield sku, f"{available} are available, carts show {case.evidence.shown.get(sku)}"


def nothing_waits(case: Case) -> Broken:
    """Tell of outboxes and queues that are not empty, those of what was given up as undeliverable included."""
    for name, waiting in case.evidence.left.items():
        if waiting > case.before.get(name, 0) and name not in case.aside:
            yield name, f"{waiting} wait"
