"""Rules of answers: what was acknowledged happened once and stands, and nobody was answered a bug."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from bench.checkout.case import Broken, Case
from bench.checkout.journal import Act, Entry

BUG = 500
LEADS_TO: Mapping[str, frozenset[str]] = {
    "cancel": frozenset({"cancelled"}),
    "ship": frozenset({"fulfilled", "delivered"}),
    "pay": frozenset({"paid", "fulfilled", "delivered", "cancelled"}),
}
KEYED = frozenset({"open", "add", "put", "step", "clear", "remove", "submit", "adjust", "pay", "cancel", "ship"})


def no_bug_was_answered(case: Case) -> Broken:
    """Tell of answers that nobody expects, whatever is down."""
    for act in case.acts:
        for entry in act.entries:
            if entry.status == BUG:
                yield f"{entry.what} {entry.cart}", f"answered 500: {entry.answer}"


def one_key_gets_one_answer(case: Case) -> Broken:
    """Tell of keys that were answered in two ways: a repeated request has one effect and is told the same each time."""
    for act in case.acts:
        if act.entries[0].key and act.what in KEYED:
            told = {_told(entry) for entry in act.answers}
            if len(told) > 1:
                yield f"{act.what} {act.cart}", f"one key was answered {sorted(told)}"


def _told(entry: Entry) -> str:
    """Return what of an answer must be the same whenever it is told."""
    names = {"submit": "order_id", "open": "id", "ship": "id", "cancel": "id", "pay": "id"}
    return str(entry.answer.get(names.get(entry.what, "version")))


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
