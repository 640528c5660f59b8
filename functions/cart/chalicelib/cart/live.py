"""Builds the real collaborators, lazily; cached for the life of the container."""

import functools

import msgspec

from chalicelib.cart.live_cart import LiveCarts
from chalicelib.cart.refusals import KeptRefusals
from chalicelib.cart.replica import Replica
from chalicelib.cart.store import KeptCarts, KeptSubmissions
from souk.auth import PrivateKey, Signer
from souk.postgres import Database
from souk.redis import Redis
from souk.settings import setting

database = Database("cart")
redis = Redis("cart")
backup = KeptCarts(database)
carts = LiveCarts(redis, backup)
submissions = KeptSubmissions(database)
replica = Replica(database)


def refusals() -> KeptRefusals:
    """Return what keeps the refusal of one request."""
    return KeptRefusals(redis)


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
