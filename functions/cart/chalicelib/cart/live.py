"""Builds the real collaborators, lazily; cached for the life of the container."""

import functools

import msgspec

from chalicelib.cart.keeping import Keeping
from chalicelib.cart.kept_submissions import KeptSubmissions
from chalicelib.cart.lines import Limits
from chalicelib.cart.live_cart import LiveCarts
from chalicelib.cart.refusals import KeptRefusals
from chalicelib.cart.register import KeptRegister
from chalicelib.cart.replica import Replica
from chalicelib.cart.store import KeptCarts
from souk.auth import PrivateKey, Signer
from souk.postgres import Database
from souk.redis import Redis
from souk.settings import setting


@functools.cache
def limits() -> Limits:
    """Return how much a cart may hold: the defaults are those of `Limits`."""
    return Limits(
        of_one=_number("MOST_OF_ONE", Limits().of_one),
        lines=_number("MOST_LINES", Limits().lines),
        items=_number("MOST_ITEMS", Limits().items),
    )


def most_carts() -> int:
    """Return how many open carts a customer may have."""
    return _number("MOST_CARTS", 10)


@functools.cache
def keeping() -> Keeping:
    """Return how long carts are kept: the defaults are those of `Keeping`."""
    return Keeping(
        guest_days=_number("GUEST_DAYS", Keeping().guest_days),
        customer_days=_number("CUSTOMER_DAYS", Keeping().customer_days),
        abandoned_hours=_number("ABANDONED_HOURS", Keeping().abandoned_hours),
    )


def _number(name: str, default: int) -> int:
    return int(setting("cart", name, str(default)))


database = Database("cart")
redis = Redis("cart")
backup = KeptCarts(database, keeping)
carts = LiveCarts(redis, backup, keeping)
submissions = KeptSubmissions(database)
register = KeptRegister(database)
replica = Replica(database)


def refusals(cart_id: str | None = None) -> KeptRefusals:
    """Return what keeps the refusal of one request; beside the cart where the change of it looks for it."""
    return KeptRefusals(redis, cart_id)


@functools.cache
def signer() -> Signer:
    """Return what signs order tokens."""
    return Signer("cart", _key())


def secret() -> str:
    """Return what the tokens of anonymous carts are derived from."""
    return _key().d


@functools.cache
def _key() -> PrivateKey:
    return msgspec.json.decode(setting("cart", "SIGNING_KEY"), type=PrivateKey)
