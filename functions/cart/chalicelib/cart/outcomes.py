"""What the order service decided: an order closes its cart, a rejection gives it back."""

from datetime import datetime

from chalicelib.cart.carts import Carts
from chalicelib.cart.model import Cart, Verdict
from chalicelib.cart.submission import Submissions
from souk.errors import Missing


def settle(order_id: str, verdict: Verdict, *, submissions: Submissions, carts: Carts, now: datetime) -> None:
    """Note a verdict, then close or thaw the cart if it is frozen for that order. Safe to repeat. Raises Unavailable.

    In this order: a cart that takes changes again must find no open submission of itself.
    """
    standing = submissions.settle(order_id, verdict, now)
    if standing is None:
        return  # an order that no cart here asked for
    release(standing.fact.cart_id, order_id, standing.verdict, carts=carts, now=now)


def release(cart_id: str, order_id: str, verdict: Verdict, *, carts: Carts, now: datetime) -> None:
    """Close or thaw a cart if it is frozen for that order."""

    def settled(cart: Cart) -> Cart:
        after = cart.settled(order_id, verdict)
        return cart if after is cart else after.stamped(now)

    try:
        carts.change(cart_id, settled)
    except Missing:
        return  # long gone
