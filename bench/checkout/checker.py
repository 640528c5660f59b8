"""What must hold of a history, whoever was killed meanwhile: each rule compares the stores with the shoppers' journal.

Rules are functions of what was read and of what was written down by the clients, so that they can be shown evidence made by
hand. Nothing of the services is imported here.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping

import msgspec
from msgspec import Struct

from bench.checkout.case import Broken, Case, Rule
from bench.checkout.explained import lines_of, seen
from bench.checkout.journal import Act, Entry
from bench.checkout.records import Line, Order

BUG = 500
KEEPING = frozenset({"held", "committed"})
HOLDS: Mapping[str, frozenset[str]] = {
    "placed": frozenset({"held"}),
    "paid": frozenset({"committed"}),
    "fulfilled": frozenset({"shipped"}),
    "delivered": frozenset({"shipped"}),
    "cancelled": frozenset({"released", "expired"}),
}
LEADS_TO: Mapping[str, frozenset[str]] = {
    "cancel": frozenset({"cancelled"}),
    "ship": frozenset({"fulfilled", "delivered"}),
    "pay": frozenset({"paid", "fulfilled", "delivered", "cancelled"}),
}
KEYED = frozenset({"open", "add", "put", "step", "clear", "remove", "submit", "adjust", "pay", "cancel", "ship"})
AFTER: Mapping[str, str] = {"placed": "closed", "rejected": "open", "abandoned": "open"}


class Violation(Struct, frozen=True, kw_only=True):
    """Something that must not be: which rule it breaks, what it is about and how."""

    rule: str
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}: {self.what}"


def no_bug_was_answered(case: Case) -> Broken:
    """Tell of answers that nobody expects, whatever is down."""
    for act in case.acts:
        for entry in act.entries:
            if entry.status == BUG:
                yield f"{entry.what} {entry.cart}", f"answered 500: {entry.answer}"


def one_key_gets_one_answer(case: Case) -> Broken:
    """Tell of keys that were answered in two ways: a repeated request has one effect and is told the same each time."""
    for act in case.acts:
        if act.entries[0].key and act.what in {
            "open",
            "add",
            "put",
            "remove",
            "submit",
            "adjust",
            "pay",
            "cancel",
            "ship",
        }:
            told = {_told(entry) for entry in act.answers}
            if len(told) > 1:
                yield f"{act.what} {act.cart}", f"one key was answered {sorted(told)}"


def _told(entry: Entry) -> str:
    """Return what of an answer must be the same whenever it is told."""
    names = {"submit": "order_id", "open": "id", "ship": "id", "cancel": "id", "pay": "id"}
    return str(entry.answer.get(names.get(entry.what, "version")))


def one_seen_cart_is_one_order(case: Case) -> Broken:
    """Tell of versions of a cart that became two orders: whoever submits what was submitted before gets that order."""
    orders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for order, entries in case.acknowledged.items():
        for entry in entries:
            orders[entry.cart, entry.seen].add(order)
    for (cart, version), found in orders.items():
        if len(found) > 1:
            yield cart, f"version {version} was submitted as {sorted(found)}"


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


def carts_are_what_was_acknowledged(case: Case) -> Broken:
    """Tell of carts in which an acknowledged change is missing, or took effect twice."""
    for cart, explained in case.explained.items():
        for fault in explained.faults:
            yield cart, fault


def carts_are_kept(case: Case) -> Broken:
    """Tell of carts that PostgreSQL has otherwise than Redis."""
    opened = {str(one.answer["id"]) for act in case.acts if act.what == "open" for one in act.answers}
    for cart in opened | case.evidence.live.keys():
        found, kept = case.carts.get(cart), case.evidence.kept.get(cart)
        if kept is None:
            yield cart, "is not in PostgreSQL"
        elif found != kept and found != msgspec.structs.replace(kept, compared=False):
            yield cart, f"is {found} in Redis and {kept} in PostgreSQL"


def shoppers_see_their_carts(case: Case) -> Broken:
    """Tell of shoppers who were shown other lines than their cart has at that version."""
    for act in (one for one in case.acts if one.what == "look"):
        for entry in act.answers:
            found = case.carts.get(entry.cart)
            if found is None:
                yield entry.cart, "was shown and is not there"
            elif entry.answer["version"] == found.version and dict(lines_of(entry.answer["lines"])) != found.lines:
                yield entry.cart, f"was shown with {lines_of(entry.answer['lines'])}, and has {found.lines}"


def no_cart_stays_frozen(case: Case) -> Broken:
    """Tell of frozen carts without an open submission, and of decided ones that are not closed or open again."""
    newest = {one.cart_id: one for one in sorted(case.evidence.submissions.values(), key=lambda one: one.attempt)}
    for cart, found in case.carts.items():
        last = newest.get(cart)
        if found.state == "frozen" and (last is None or last.state != "open"):
            yield cart, f"is frozen and its submission is {last.state if last else 'not there'}"
        elif last and last.attempt == found.attempt and found.state not in {AFTER.get(last.state, "frozen"), "merged"}:
            yield cart, f"is {found.state} after a submission that is {last.state}"


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


def vouchers_were_not_overused(case: Case) -> Broken:
    """Tell of vouchers that more orders hold than may, or that count otherwise than their orders do."""
    for one in case.evidence.vouchers:
        if one.held > one.usage_limit:
            yield one.code, f"{one.held} orders have it, {one.usage_limit} may"
        if one.used != one.held + one.released:
            yield one.code, f"counts {one.used} uses, orders have {one.held} and gave back {one.released}"


def orders_are_unique(case: Case) -> Broken:
    """Tell of numbers that two orders have, and of submissions that became two."""
    numbers = Counter(order.number for order in case.evidence.orders.values())
    attempts = Counter((order.cart_id, order.attempt) for order in case.evidence.orders.values())
    yield from ((number, "is the number of two orders") for number, times in numbers.items() if times > 1)
    yield from (
        (cart, f"attempt {attempt} is {times} orders") for (cart, attempt), times in attempts.items() if times > 1
    )


def money_was_noted_once(case: Case) -> Broken:
    """Tell of acknowledged payments that are not there once, and of refused ones that are."""
    noted = Counter(one.reference for one in case.evidence.payments)
    yield from _once(case, "pay", lambda act: noted[str(act.asked["reference"])])


def adjustments_were_made_once(case: Case) -> Broken:
    """Tell of acknowledged adjustments that are not in the ledger once, and of refused ones that are."""
    noted = Counter(one.note for one in case.evidence.ledger if one.note)
    yield from _once(case, "adjust", lambda act: noted[str(act.asked["note"])])


def _once(case: Case, what: str, times: Callable[[Act], int]) -> Broken:
    for act in (one for one in case.acts if one.what == what):
        right = {1} if act.acknowledged else {0, 1} if act.unknown else {0}
        if times(act) not in right:
            yield str(act.asked), f"was made {times(act)} times, answers were {[one.status for one in act.entries]}"


def cancellations_and_shipments_stand(case: Case) -> Broken:
    """Tell of orders that are not cancelled, shipped or paid although that was acknowledged."""
    for act in case.acts:
        order = case.evidence.orders.get(str(act.asked.get("order", "")))
        if act.acknowledged and act.what in LEADS_TO and (order is None or order.status not in LEADS_TO[act.what]):
            yield (
                str(act.asked["order"]),
                f"{act.what} was acknowledged, it is {order.status if order else 'not there'}",
            )


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


RULES: tuple[Rule, ...] = (
    every_submission_has_one_outcome,
    shoppers_were_told_the_outcome,
    nothing_was_ordered_unasked,
    orders_have_the_lines_that_were_submitted,
    submissions_are_carts_that_existed,
    carts_are_what_was_acknowledged,
    carts_are_kept,
    shoppers_see_their_carts,
    no_cart_stays_frozen,
    one_key_gets_one_answer,
    one_seen_cart_is_one_order,
    money_sums,
    snapshots_are_whole,
    the_ledger_sums,
    reservations_match_orders,
    stock_moved_once_per_order,
    stock_moved_once_for_quotes,
    vouchers_were_not_overused,
    orders_are_unique,
    money_was_noted_once,
    adjustments_were_made_once,
    cancellations_and_shipments_stand,
    sales_were_counted_once,
    carts_show_the_stock_there_is,
    nothing_waits,
    no_bug_was_answered,
)


def check(case: Case) -> dict[str, list[Violation]]:
    """Return what breaks each rule; an empty list for one that holds."""
    return {
        name_of(rule): [Violation(rule=name_of(rule), about=about, what=what) for about, what in rule(case)]
        for rule in RULES
    }


def name_of(rule: Rule) -> str:
    """Return a rule's name in words."""
    return rule.__name__.replace("_", " ")
