"""Submitting a cart: Redis freezes it, PostgreSQL decides, the order service answers later."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Annotated, Protocol

import msgspec
from msgspec.structs import replace

from chalicelib.cart.carts import Carts
from chalicelib.cart.events import CartSubmitted
from chalicelib.cart.model import Asked, Cart, Operation, Reason, Rejection, State, Verdict
from souk.auth import Signer
from souk.errors import Invalid, Refused
from souk.ids import id_of
from souk.markets import MARKETS
from souk.money import Money

TOKEN_LASTS = timedelta(days=30)


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """What was submitted under an order id, and what became of it."""

    fact: CartSubmitted
    verdict: Verdict = Verdict.OPEN
    rejection: Rejection | None = None
    submitted_at: datetime


class Submissions(Protocol):
    """Keeps submissions; the first one under an order id stands, and a cart has one open at the most."""

    def open(self, cart: Cart, now: datetime) -> Submission:
        """Keep the submission of a frozen cart and tell the order service, or return the one that stands instead."""

    def find(self, order_id: str) -> Submission | None:
        """Return what was submitted under an order id."""

    def abandon(self, cart: Cart, now: datetime) -> Submission:
        """Keep a submission that never came as abandoned, or return the one that did come."""

    def settle(
        self, order_id: str, verdict: Verdict, now: datetime, rejection: Rejection | None = None
    ) -> Submission | None:
        """Note the order service's verdict; the first one stands. Return the submission, None where there is none."""

    def undecided(self, cart_ids: Collection[str]) -> set[str]:
        """Return those of these carts that have an open submission."""

    def ask_again(self, before: datetime, now: datetime) -> int:
        """Tell the order service again about what it was told before then and has not decided; return how many.

        Of the same one it is asked each time after twice as long, up to six hours. Raises Illegible, once that is done,
        for those that cannot be read.
        """


class Acceptance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a shopper accepts by submitting: the total of a quote."""

    quote_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$(?!\n)")]
    total: Money


class Submitted(msgspec.Struct, frozen=True, kw_only=True):
    """Where the order will be, and the token that lets its holder read it.

    Whoever waited for the outcome (`Prefer: respond-sync`) is told it: `placed`, or `rejected` with its reasons.
    """

    order_id: str
    order_token: str
    location: str
    status: str = "pending"
    reasons: tuple[Reason, ...] = ()
    quote_id: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The answer to a submission, and whether the same request had got it before."""

    submitted: Submitted
    again: bool


def submit(
    cart_id: str,
    acceptance: Acceptance,
    *,
    asked: Asked,
    carts: Carts,
    submissions: Submissions,
    signer: Signer,
    now: datetime,
) -> Outcome:
    """Freeze the cart and hand it to the order service. Raises Missing, Stale, Refused, Invalid, Unavailable.

    Whoever submits the same version of the cart again, from wherever, gets the same order.
    """

    def freeze(cart: Cart) -> Cart:
        cart.open_to(asked.holder)
        if cart.operation(asked) or cart.submitted_as(asked.seen):
            return cart
        if acceptance.total.currency != MARKETS[cart.market].currency:
            raise Invalid(f"carts of this market are paid in {MARKETS[cart.market].currency}")
        return cart.changeable(asked).freezing(acceptance.quote_id, acceptance.total, now).stamped(now, asked)

    kept = carts.change(cart_id, freeze)
    submission = _standing(kept.cart, kept.cart.operation(asked), submissions=submissions, now=now)
    if submission.verdict is Verdict.ABANDONED:
        raise too_late()
    return Outcome(_answer(submission, signer), again=not kept.changed and asked.key is not None)


def _standing(cart: Cart, before: Operation | None, *, submissions: Submissions, now: datetime) -> Submission:
    """Return the submission that stands for the frozen cart, or for the operation that submitted it before."""
    attempt = before.attempt if before else cart.attempt
    if cart.state is State.FROZEN and cart.attempt == attempt:
        return submissions.open(cart, now)
    found = submissions.find(id_of("order", cart.id, attempt))
    if found is None:
        raise too_late()
    return found


def _answer(submission: Submission, signer: Signer) -> Submitted:
    order_id = submission.fact.order_id
    token = signer.sign(order_id, audience="order", now=submission.submitted_at, lasts=TOKEN_LASTS)
    return Submitted(order_id=order_id, order_token=token, location=f"/order/orders/{order_id}")


def decided(submitted: Submitted, submissions: Submissions) -> Submitted | None:
    """Return the answer with the outcome in it; None while the order service has not decided. Raises Refused."""
    found = submissions.find(submitted.order_id)
    if found is None or found.verdict is Verdict.OPEN:
        return None
    if found.verdict is Verdict.ABANDONED:
        raise too_late()
    rejection = found.rejection or Rejection(order_id=submitted.order_id)
    return replace(submitted, status=str(found.verdict), reasons=rejection.reasons, quote_id=rejection.quote_id)


def too_late() -> Refused:
    """Return the answer to a submission that was given up before it came."""
    return Refused("this submission came too late, the cart is open again", code="submission-abandoned")
