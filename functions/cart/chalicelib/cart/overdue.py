"""Submissions that broke off: carts frozen without one are given back, and late verdicts are asked for again."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from chalicelib.cart.carts import Carts
from chalicelib.cart.model import Cart, Illegible, State, Verdict
from chalicelib.cart.outcomes import release
from chalicelib.cart.submission import Submissions
from souk.errors import Missing

FROZEN_FOR = timedelta(minutes=2)  # far longer than a submission takes from freeze to commit
UNDECIDED_FOR = timedelta(minutes=5)


class Frozen(Protocol):
    """Knows which carts are frozen."""

    def frozen_before(self, moment: datetime) -> Iterable[str]:
        """Return the ids of carts that have been frozen since before then."""


def look(*, frozen: Frozen, carts: Carts, submissions: Submissions, now: datetime) -> None:
    """Give back what was frozen in vain, and ask about what is undecided. Raises Unavailable.

    Nothing is assumed: a submission that was committed is settled by the order service alone. What goes wrong about one
    is raised, in a group, when all others have been seen to.
    """
    wrong: list[Exception] = []
    try:
        submissions.ask_again(now - UNDECIDED_FOR, now)
    except Illegible as error:
        wrong.append(error)
    since = list(frozen.frozen_before(now - FROZEN_FOR))
    for cart_id in sorted(set(since) - submissions.undecided(since)):
        try:
            _look_at(cart_id, carts=carts, submissions=submissions, now=now)
        except Exception as error:  # noqa: BLE001 - whatever it is: it is about this cart, and tried again in a minute
            error.add_note(f"cart {cart_id}")
            wrong.append(error)
    if wrong:
        raise ExceptionGroup("not all that is overdue could be seen to", wrong)


def _look_at(cart_id: str, *, carts: Carts, submissions: Submissions, now: datetime) -> None:
    cart = _found(cart_id, carts)
    if cart is not None and cart.state is State.FROZEN:
        _give_back(cart, carts=carts, submissions=submissions, now=now)


def _found(cart_id: str, carts: Carts) -> Cart | None:
    try:
        return carts.get(cart_id)
    except Missing:
        return None


def _give_back(cart: Cart, *, carts: Carts, submissions: Submissions, now: datetime) -> None:
    """Take the place of the submission that never came, so that a late commit finds it; only then thaw."""
    standing = submissions.abandon(cart, now)
    if standing.verdict is not Verdict.OPEN:
        release(standing, carts=carts, now=now)
