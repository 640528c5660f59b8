"""Rules of carts: each is what was acknowledged of it, in both stores, and open or closed as its submission says."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bench.checkout.case import Broken, Case
from bench.checkout.explained import lines_of

AFTER: Mapping[str, str] = {"placed": "closed", "rejected": "open", "abandoned": "open"}


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
