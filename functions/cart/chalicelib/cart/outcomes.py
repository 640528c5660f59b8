"""What the order service decided: an order closes its cart, a rejection gives it back and says why."""

from datetime import datetime

from chalicelib.cart.carts import Carts
from chalicelib.cart.events import OrderPlaced, OrderRejected
from chalicelib.cart.model import Cart, Rejection, Verdict
from chalicelib.cart.submission import Submission, Submissions
from souk.errors import Missing


def take(fact: OrderPlaced | OrderRejected, *, submissions: Submissions, carts: Carts, now: datetime) -> None:
    """Settle by what an event tells."""
    verdict, rejection = Verdict.PLACED, None
    if isinstance(fact, OrderRejected):
        verdict = Verdict.REJECTED
        rejection = Rejection(order_id=fact.order_id, reasons=fact.reasons, quote_id=fact.quote_id)
    settle(fact.order_id, verdict, rejection, submissions=submissions, carts=carts, now=now)


def settle(
    order_id: str,
    verdict: Verdict,
    rejection: Rejection | None = None,
    *,
    submissions: Submissions,
    carts: Carts,
    now: datetime,
) -> None:
    """Note a verdict, then close or thaw the cart if it is frozen for that order. Safe to repeat. Raises Unavailable.

    In this order: a cart that takes changes again must find no open submission of itself.
    """
    standing = submissions.settle(order_id, verdict, now, rejection)
    if standing is None:
        return  # an order that no cart here asked for
    release(standing, carts=carts, now=now)


def release(standing: Submission, *, carts: Carts, now: datetime) -> None:
    """Close or thaw a cart if it is frozen for the order of that submission."""

    def settled(cart: Cart) -> Cart:
        after = cart.settled(standing.fact.order_id, standing.verdict, standing.rejection)
        return cart if after is cart else after.stamped(now)

    try:
        carts.change(standing.fact.cart_id, settled)
    except Missing:
        return  # long gone
