"""Rules of submitting: what was submitted is decided once, and told so."""

from __future__ import annotations

from collections import Counter, defaultdict

from bench.checkout.case import Broken, Case
from bench.checkout.explained import seen


def every_submission_has_one_outcome(case: Case) -> Broken:
    """Tell of submissions that are not one order or one rejection, or not the same to both services."""
    decided = Counter(one.order_id for one in case.evidence.decisions)
    rejected = {one.order_id for one in case.evidence.decisions if one.rejected}
    for order in case.acknowledged.keys() | case.evidence.submissions.keys():
        submission = case.evidence.submissions.get(order)
        if submission is None:
            yield order, "was acknowledged and is not among the submissions"
        elif submission.state == "abandoned":
            if decided[order] or order in case.acknowledged:
                yield order, f"was given up, and {'decided on' if decided[order] else 'acknowledged'}"
        elif decided[order] != 1:
            yield order, f"has {decided[order]} outcomes"
        elif (order in rejected) == (order in case.evidence.orders):
            yield order, "is rejected and an order at once, or neither"
        elif submission.state != ("rejected" if order in rejected else "placed"):
            yield order, f"is {submission.state} for the cart service and otherwise for the order service"


def shoppers_were_told_the_outcome(case: Case) -> Broken:
    """Tell of shoppers who were told something else than what became of their order, at any time."""
    rejected = {one.order_id for one in case.evidence.decisions if one.rejected}
    for order in case.acknowledged:
        told = [str(entry.answer.get("status")) for entry in case.told.get(order, [])]
        decided = [status for status in told if status != "pending"]
        if not decided:
            yield order, f"was never told after {len(told)} looks"
        elif "pending" in told[len(told) - len(decided) :]:
            yield order, f"was told as decided and as pending again: {told}"
        elif {status == "rejected" for status in decided} != {order in rejected}:
            yield order, f"was told as {sorted(set(decided))}, and is {'rejected' if order in rejected else 'an order'}"


def nothing_was_ordered_unasked(case: Case) -> Broken:
    """Tell of orders and decisions without a submission, and of submissions that no shopper asked for."""
    asked = {act.cart for act in case.submissions if act.acknowledged or act.unknown}
    for order in {one.order_id for one in case.evidence.decisions} | case.evidence.orders.keys():
        if order not in case.evidence.submissions:
            yield order, "was decided on and never submitted"
    for order, submission in case.evidence.submissions.items():
        if submission.cart_id not in asked and submission.state != "abandoned":
            yield order, f"of cart {submission.cart_id} was submitted by nobody"


def orders_have_the_lines_that_were_submitted(case: Case) -> Broken:
    """Tell of orders that have other lines, or cost more or less, than what was submitted."""
    for order, found in case.evidence.orders.items():
        lines = tuple(sorted((line.sku, line.quantity) for line in case.lines[order]))
        submission = case.evidence.submissions.get(order)
        if submission and lines != tuple(sorted(submission.lines.items())):
            yield order, f"has {dict(lines)}, submitted was {submission.lines}"
        if submission and found.total != submission.total:
            yield order, f"costs {found.total}, accepted was {submission.total}"


def submissions_are_carts_that_existed(case: Case) -> Broken:
    """Tell of submissions that are not what the cart held at the version that its shopper had seen."""
    for order, submission in case.evidence.submissions.items():
        explained = case.explained.get(submission.cart_id)
        if explained is None or explained.faults or explained.given_up:
            continue  # told as such
        lines, versions = tuple(sorted(submission.lines.items())), case.acknowledged.get(order, [])
        for possible in [explained.held(seen(entry)) for entry in versions] or [explained.ever]:
            if lines not in possible:
                yield order, f"has {submission.lines}, its cart held {[dict(one) for one in sorted(possible)][:3]}"


def one_seen_cart_is_one_order(case: Case) -> Broken:
    """Tell of versions of a cart that became two orders: whoever submits what was submitted before gets that order."""
    orders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for order, entries in case.acknowledged.items():
        for entry in entries:
            orders[entry.cart, entry.seen].add(order)
    for (cart, version), found in orders.items():
        if len(found) > 1:
            yield cart, f"version {version} was submitted as {sorted(found)}"
