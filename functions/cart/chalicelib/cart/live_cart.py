"""The live carts: Redis holds them, PostgreSQL backs them; a change is acknowledged when it can't be lost any more."""

from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

import msgspec

from chalicelib.cart.carts import Kept
from chalicelib.cart.model import NEW, Cart, State, versioned
from souk.errors import Missing, Unavailable
from souk.redis import Redis, Script

BUCKETS = 64
TRIES = 64  # every try that fails is another change that did not
KEPT = {State.OPEN: 60, State.FROZEN: 60, State.CLOSED: 7, State.MERGED: 7}  # days in Redis; PostgreSQL has it after
DAY = 86_400_000  # milliseconds
SURE = frozenset({"held", "written"})  # answers after which the cart needs no look at PostgreSQL

# KEYS: the cart, its bucket's dirty set, its bucket's frozen set. Every script answers {what, history, version, body}.
READ = Script.of(
    """
    local held = redis.call('HMGET', KEYS[1], 'version', 'body', 'history')
    if not held[1] then return {'absent', ARGV[1], '', ''} end
    return {held[3] == ARGV[1] and 'held' or 'verify', ARGV[1], held[1], held[2]}
    """,
    repeatable=True,
)
MARK = """
    local function keep(version, body, frozen_at, lasts)
        redis.call('HSET', KEYS[1], 'version', version, 'body', body, 'history', ARGV[1])
        redis.call('PEXPIRE', KEYS[1], lasts)
        if frozen_at == '' then
            redis.call('ZREM', KEYS[3], ARGV[2])
        else
            redis.call('ZADD', KEYS[3], frozen_at, ARGV[2])
        end
    end
"""
# ARGV: history, cart id, the version the change was made from ('' for a new cart), body, frozen at, kept for.
# The version is time, so that no failover gives one out twice; whole numbers, as Lua prints large ones with exponents.
WRITE = Script.of(
    MARK
    + """
    local held = redis.call('HMGET', KEYS[1], 'version', 'body', 'history')
    if held[1] and held[3] ~= ARGV[1] then return {'verify', ARGV[1], held[1], held[2]} end
    if (held[1] or '') ~= ARGV[3] then
        return {held[1] and 'held' or 'absent', ARGV[1], held[1] or '', held[2] or ''}
    end
    local clock = redis.call('TIME')
    local version = string.format('%d%06d', clock[1], clock[2])
    if held[1] and tonumber(version) <= tonumber(held[1]) then
        version = string.format('%.0f', tonumber(held[1]) + 1)
    end
    local body = string.gsub(ARGV[4], '"version":%-1', '"version":' .. version)
    keep(version, body, ARGV[5], ARGV[6])
    redis.call('ZADD', KEYS[2], version, ARGV[2])
    return {'written', ARGV[1], version, body}
    """
)
# ARGV: history, cart id, the history under which it was compared with PostgreSQL, version, body, frozen at, kept for.
INSTALL = Script.of(
    MARK
    + """
    local held = redis.call('HMGET', KEYS[1], 'version', 'body')
    if ARGV[3] ~= ARGV[1] then return {'verify', ARGV[1], held[1] or '', held[2] or ''} end
    if not held[1] or tonumber(held[1]) < tonumber(ARGV[4]) then
        keep(ARGV[4], ARGV[5], ARGV[6], ARGV[7])
        return {'held', ARGV[1], ARGV[4], ARGV[5]}
    end
    redis.call('HSET', KEYS[1], 'history', ARGV[1])
    return {'held', ARGV[1], held[1], held[2]}
    """,
    repeatable=True,
)


class Backing(Protocol):
    """PostgreSQL's side of the carts."""

    def compare(self, cart_id: str, held: Cart | None, history: str) -> Cart | None:
        """Keep the newer of `held` and the row, note under which history that was, and return it; None for neither."""

    def keep(self, cart: Cart, history: str) -> bool:
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
        what, history, version, body = answer
        return cls(what, history, cart_of(body) if version else None)


class LiveCarts:
    """Carts in Redis; see `carts.Carts`."""

    def __init__(self, redis: Redis, backing: Backing) -> None:
        """Keep them in `redis`, backed by `backing`."""
        self._redis = redis
        self._backing = backing

    def get(self, cart_id: str) -> Cart:
        """Return a cart. Raises Missing, Unavailable."""
        return self._current(cart_id, _Found.of(self._redis.run(READ, keys(cart_id))))

    def create(self, cart: Cart) -> Kept:
        """Keep a new cart, or return the one that is there under its id. Raises Unavailable."""
        answer, confirmed = self._redis.write(WRITE, keys(cart.id), *_change(cart, None))
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
                answer, confirmed = self._redis.write(WRITE, keys(cart_id), *_change(wanted, cart.version))
            found = _Found.of(answer)
            if found.what == "written" or (found.what == "held" and wanted is cart and found.cart == cart):
                return self._acknowledged(found, confirmed=confirmed)
            cart = self._current(cart_id, found)
        raise Unavailable("too many changes of this cart at once")

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
            [(cursor, names)] = self._redis.ask(("SCAN", cursor, "MATCH", "{b??}:cart:*", "COUNT", 1000))
            versions = self._redis.ask(*(("HGET", name, "version") for name in names)) if names else []
            fresh = [
                (name, version) for name, version in zip(names, versions, strict=True) if int(version or -1) >= first
            ]
            if fresh:
                self._redis.ask(*(_dirty(name, version) for name, version in fresh))
            marked += len(fresh)
            if cursor == "0":
                return marked

    def _acknowledged(self, found: _Found, *, confirmed: bool) -> Kept:
        """Return what is kept for sure: by every replica, or else by PostgreSQL."""
        if found.cart is None:
            raise Unavailable("the cart is not there any more")
        if not confirmed and not self._backing.keep(found.cart, found.history):
            raise Unavailable("whether the cart has changed is unknown; send the same again")
        return Kept(found.cart, changed=found.what == "written")

    def _current(self, cart_id: str, found: _Found) -> Cart:
        """Return a cart that has been compared with PostgreSQL since the last failover."""
        for _ in range(TRIES):
            if found.what in SURE and found.cart is not None:
                return found.cart
            newest = self._backing.compare(cart_id, found.cart, found.history)
            if newest is None:
                raise Missing("there is no such cart")
            found = _Found.of(self._redis.run(INSTALL, keys(cart_id), *_installed(newest, found.history)))
            if found.what == "held" and found.cart is not None:
                found = self._mended(found, found.cart)
        raise Unavailable("the carts are being moved")

    def _mended(self, found: _Found, cart: Cart) -> _Found:
        mended = self._backing.mend(cart)
        if mended is cart:
            return found
        return _Found.of(self._redis.run(WRITE, keys(cart.id), *_change(mended, cart.version)))


def keys(cart_id: str) -> tuple[str, str, str]:
    """Return the keys of a cart: itself, and its bucket's dirty and frozen sets; one hash slot has them all."""
    name = bucket(int(cart_id[-4:], 16) % BUCKETS)
    return f"{name}:cart:{cart_id}", f"{name}:dirty", f"{name}:frozen"


def bucket(number: int) -> str:
    """Return a bucket's hash tag."""
    return f"{{b{number:02d}}}"


def _dirty(name: str, version: str) -> tuple[str, ...]:
    tag, _, cart_id = name.split(":", 2)
    return ("ZADD", f"{tag}:dirty", "GT", version, cart_id)


def cart_of(body: str | bytes) -> Cart:
    """Read the document that a cart is kept as."""
    return msgspec.json.decode(body, type=Cart)


def body_of(cart: Cart) -> str:
    """Return the document that a cart is kept as."""
    return msgspec.json.encode(cart).decode()


def _frozen(cart: Cart) -> tuple[str, int]:
    frozen_at = "" if cart.frozen_at is None else str(int(cart.frozen_at.timestamp() * 1000))
    return frozen_at, KEPT[cart.state] * DAY


def _change(cart: Cart, version: int | None) -> tuple[str | int, ...]:
    return cart.id, "" if version is None else version, body_of(versioned(cart, NEW)), *_frozen(cart)


def _installed(cart: Cart, history: str) -> tuple[str | int, ...]:
    return cart.id, history, cart.version, body_of(cart), *_frozen(cart)
