"""The live carts: Redis holds them, PostgreSQL backs them; a change is acknowledged when it can't be lost any more."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

import msgspec

from chalicelib.cart.carts import Kept
from chalicelib.cart.keeping import Keeping
from chalicelib.cart.lines import Change, Limits
from chalicelib.cart.model import KEPT_FOR, KEPT_OPERATIONS, NEW, Asked, Cart, versioned, whole
from chalicelib.cart.refusals import Refusal
from chalicelib.cart.scripts import BUCKETS, CHANGE, INSTALL, READ, WRITE, bucket, keys, refusal_key
from souk.errors import Missing, Unavailable
from souk.redis import Redis, as_bytes

TRIES = 64  # every try that fails is another change that did not
SECONDS = 19  # characters of a moment in RFC 3339 without its fraction
SURE = frozenset({"held", "written"})  # answers after which the cart needs no look at PostgreSQL


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What Redis needs to know to change the lines of a cart."""

    asked: Asked
    change: Change
    limits: Limits
    now: datetime
    since: str  # operations before that second are forgotten
    operations: int  # how many are remembered
    lasts: int

    @classmethod
    def of(cls, change: Change, *, asked: Asked, limits: Limits, now: datetime, lasts: int) -> "Request":
        """Ask for a change of the lines."""
        return cls(
            asked=asked,
            change=change,
            limits=limits,
            now=now,
            since=whole(now - KEPT_FOR).isoformat()[:SECONDS],
            operations=KEPT_OPERATIONS,
            lasts=lasts,
        )


class Backing(Protocol):
    """PostgreSQL's side of the carts."""

    def compare(self, cart_id: str, held: Cart | None, history: str, before: str) -> Cart | None:
        """Keep the newer of `held` and the row, note under which history that was, and return it; None for neither.

        `before` is the history that this one carries on. Raises Unavailable when it was compared under a later one.
        """

    def keep(self, cart: Cart, history: str, before: str) -> bool:
        """Keep a cart that is newer than the row and of its history; False when it is not kept. Raises Unavailable."""

    def mend(self, cart: Cart) -> Cart:
        """Return the cart as what is known of its submissions would have it; the same one as a rule."""


class _Found(msgspec.Struct, frozen=True):
    """What a script answered."""

    what: str
    history: str
    cart: Cart | None

    @classmethod
    def of(cls, answer: Any) -> "_Found":
        what, history, version, packed = answer
        return cls(what, history, unpacked(packed) if version else None)


class LiveCarts:
    """Carts in Redis; see `carts.Carts`."""

    def __init__(self, redis: Redis, backing: Backing, keeping: Callable[[], Keeping] = Keeping) -> None:
        """Keep them in `redis`, backed by `backing`, for as long as `keeping` says."""
        self._redis = redis
        self._backing = backing
        self._keeping = keeping

    def get(self, cart_id: str) -> Cart:
        """Return a cart. Raises Missing, Unavailable."""
        return self._current(cart_id, _Found.of(self._redis.run(READ, keys(cart_id))))

    def create(self, cart: Cart) -> Kept:
        """Keep a new cart, or return the one that is there under its id. Raises Unavailable."""
        answer, confirmed = self._redis.write(WRITE, keys(cart.id), *self._change(cart, None))
        found = _Found.of(answer)
        if found.what == "verify":
            return self.change(cart.id, lambda standing: standing)
        return self._acknowledged(found, confirmed=confirmed)

    def change(self, cart_id: str, decide: Callable[[Cart], Cart]) -> Kept:
        """Keep what `decide` makes of a cart; it is asked again when another change came first.

        What it returns unchanged is as sure afterwards as a change is. Raises what `decide` raises, Missing, and
        Unavailable: then whether the change took effect is unknown, and the same key may be sent again.
        """
        cart = self.get(cart_id)
        for _ in range(TRIES):
            wanted = decide(cart)
            if wanted is cart:
                answer, confirmed = self._redis.write(READ, keys(cart_id))
            else:
                answer, confirmed = self._redis.write(WRITE, keys(cart_id), *self._change(wanted, cart.version))
            found = _Found.of(answer)
            if found.what == "written" or (found.what == "held" and wanted is cart and found.cart == cart):
                return self._acknowledged(found, confirmed=confirmed)
            cart = self._current(cart_id, found)
        raise Unavailable("too many changes of this cart at once")

    def revise(self, cart_id: str, change: Change, *, asked: Asked, limits: Limits, now: datetime) -> Kept:
        """Change the lines of a cart as `Cart.revised` says, in one round trip. Raises as that, Missing, Unavailable.

        Raises Recalled for a request that was refused before; that is looked for in the same round trip.
        """
        names = (*keys(cart_id), refusal_key(cart_id, asked.key)) if asked.key else keys(cart_id)
        request = Request.of(change, asked=asked, limits=limits, now=now, lasts=self._keeping().lasts(asked.holder))
        for _ in range(TRIES):
            answer, confirmed = self._redis.write(CHANGE, names, cart_id, packed(request))
            if answer[0] == "recalled":
                raise Refusal.of(answer[3]).recalled(asked.fingerprint)
            found = _Found.of(answer)
            if found.what in {"written", "held"}:
                kept = self._acknowledged(found, confirmed=confirmed)
                kept.cart.operation(asked)  # the same key is the same change only with the same body
                return kept
            if found.what == "refused" and found.cart is not None:
                found.cart.revised(change, asked=asked, limits=limits, now=now)
                raise LookupError(f"Redis refused a change of the cart {cart_id} that the rules allow")
            self._current(cart_id, found)
        raise Unavailable("the carts are being moved")

    def frozen_before(self, moment: datetime) -> Iterator[str]:
        """Return the ids of carts that have been frozen since before then."""
        until = int(moment.timestamp() * 1000)
        asked = [("ZRANGE", f"{bucket(number)}:frozen", 0, until, "BYSCORE") for number in range(BUCKETS)]
        return chain.from_iterable(self._redis.ask(*asked))

    def mark_changed(self, since: datetime | None) -> int:
        """Mark carts that changed since then, or all, for the relay to publish; return how many."""
        first = int(since.timestamp() * 1_000_000) if since else 0
        marked, cursor = 0, "0"
        while True:
            scan = ("SCAN", cursor, "MATCH", "{b??}:cart:*", "COUNT", 1000, "TYPE", "hash")
            [(cursor, names)] = self._redis.ask(scan)
            versions = self._redis.ask(*(("HGET", name, "version") for name in names)) if names else []
            told = zip(names, versions, strict=True)
            fresh = [(name, version) for name, version in told if (version or "").isdecimal() and int(version) >= first]
            if fresh:
                self._redis.ask(*(_dirty(name, version) for name, version in fresh))
            marked += len(fresh)
            if cursor == "0":
                return marked

    def _change(self, cart: Cart, version: int | None) -> tuple[str | int | bytes, ...]:
        lasts = self._keeping().lasts(cart.holder, cart.state)
        return cart.id, "" if version is None else version, packed(versioned(cart, NEW)), _frozen(cart), lasts

    def _installed(self, cart: Cart, history: str) -> tuple[str | int | bytes, ...]:
        return (
            cart.id,
            history,
            cart.version,
            packed(cart),
            _frozen(cart),
            self._keeping().lasts(cart.holder, cart.state),
        )

    def _acknowledged(self, found: _Found, *, confirmed: bool) -> Kept:
        """Return what is kept for sure: by every replica, or else by PostgreSQL."""
        if found.cart is None:
            raise Unavailable("the cart is not there any more")
        if not confirmed and not self._backing.keep(found.cart, found.history, self._redis.before(found.history)):
            self._redis.close()  # it may not be the primary any more
            raise Unavailable("whether the cart has changed is unknown; send the same again")
        return Kept(found.cart, changed=found.what == "written")

    def _current(self, cart_id: str, found: _Found) -> Cart:
        """Return a cart that has been compared with PostgreSQL since the last failover."""
        for _ in range(TRIES):
            if found.what in SURE and found.cart is not None:
                return found.cart
            newest = self._compared(cart_id, found)
            if newest is None:
                raise Missing("there is no such cart")
            found = _Found.of(self._redis.run(INSTALL, keys(cart_id), *self._installed(newest, found.history)))
            if found.what == "held" and found.cart is not None:
                found = self._mended(found, found.cart)
        raise Unavailable("the carts are being moved")

    def _compared(self, cart_id: str, found: _Found) -> Cart | None:
        try:
            return self._backing.compare(cart_id, found.cart, found.history, self._redis.before(found.history))
        except Unavailable:
            self._redis.close()  # it may not be the primary any more
            raise

    def _mended(self, found: _Found, cart: Cart) -> _Found:
        mended = self._backing.mend(cart)
        if mended is cart:
            return found
        return _Found.of(self._redis.run(WRITE, keys(cart.id), *self._change(mended, cart.version)))


def _dirty(name: str, version: str) -> tuple[str, ...]:
    tag, _, cart_id = name.split(":", 2)
    return ("ZADD", f"{tag}:dirty", "GT", version, cart_id)


def cart_of(body: str | bytes) -> Cart:
    """Read a cart as PostgreSQL keeps it and events tell it."""
    return msgspec.json.decode(body, type=Cart)


def body_of(cart: Cart) -> str:
    """Return a cart as PostgreSQL keeps it."""
    return msgspec.json.encode(cart).decode()


def packed(what: Cart | Request) -> bytes:
    """Return a cart, or a request, as Redis keeps and reads it."""
    return msgspec.msgpack.encode(msgspec.to_builtins(what))  # Redis knows no type of time, but text


def unpacked(answer: str) -> Cart:
    """Read a cart as Redis keeps it."""
    return msgspec.msgpack.decode(as_bytes(answer), type=Cart)


def _frozen(cart: Cart) -> str | int:
    return "" if cart.frozen_at is None else int(cart.frozen_at.timestamp() * 1000)
