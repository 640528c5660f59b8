"""What must hold of a history, whoever was killed meanwhile: each rule compares the stores with the shoppers' journal.

Rules are functions of what was read and of what was written down by the clients, so that they can be shown evidence made by
hand. Nothing of the services is imported here.
"""

from __future__ import annotations

from msgspec import Struct

from bench.checkout.case import Case, Rule
from bench.checkout.rules import answers, carts, events, orders, stock, submissions

RULES: tuple[Rule, ...] = (
    submissions.every_submission_has_one_outcome,
    submissions.shoppers_were_told_the_outcome,
    submissions.nothing_was_ordered_unasked,
    submissions.orders_have_the_lines_that_were_submitted,
    submissions.submissions_are_carts_that_existed,
    carts.carts_are_what_was_acknowledged,
    carts.carts_are_kept,
    carts.shoppers_see_their_carts,
    carts.no_cart_stays_frozen,
    answers.one_key_gets_one_answer,
    submissions.one_seen_cart_is_one_order,
    orders.money_sums,
    orders.snapshots_are_whole,
    stock.the_ledger_sums,
    stock.reservations_match_orders,
    stock.stock_moved_once_per_order,
    stock.stock_moved_once_for_quotes,
    orders.vouchers_were_not_overused,
    orders.orders_are_unique,
    answers.money_was_noted_once,
    answers.adjustments_were_made_once,
    answers.cancellations_and_shipments_stand,
    events.sales_were_counted_once,
    events.carts_show_the_stock_there_is,
    events.nothing_waits,
    answers.no_bug_was_answered,
)


class Violation(Struct, frozen=True, kw_only=True):
    """Something that must not be: which rule it breaks, what it is about and how."""

    rule: str
    about: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.about}: {self.what}"


def check(case: Case) -> dict[str, list[Violation]]:
    """Return what breaks each rule; an empty list for one that holds."""
    return {
        name_of(rule): [Violation(rule=name_of(rule), about=about, what=what) for about, what in rule(case)]
        for rule in RULES
    }


def name_of(rule: Rule) -> str:
    """Return a rule's name in words."""
    return rule.__name__.replace("_", " ")
