"""The dirty sets in Redis: each names carts that changed; what is sent is the cart as it is now."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from souk.clock import utcnow
from souk.events import Event
from souk.ids import id_of
from souk.redis import Redis, as_bytes
from souk.redis_wire import Refusal
from souk_cli.bridge.link import LOG
from souk_cli.bridge.outbox import Lag, Publish, deaf, message

BUCKETS = tuple(f"b{number:02d}" for number in range(64))
PER_BUCKET = 20
CHANGED = "cart.changed"
SCHEMA = 1
MICROSECONDS = 1_000_000
EPOCH_2020 = 1_577_836_800 * MICROSECONDS
# Removes the mark only if the cart has not changed since it was read.
UNMARK = """
if redis.call('ZSCORE', KEYS[1], ARGV[1]) == ARGV[2] then
    return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
"""


class _Mark(Struct, frozen=True):
    """A cart that changed, and the version it was marked at, as Redis writes it."""

    bucket: str
    cart: str
    score: str


class DirtyCarts:
    """The live carts' outbox, looked at less often, so that what a shopper does in one go is sent once.

    Nothing hangs on its haste: every replica of Redis has the change by now.
    """

    name, service = "cart dirty sets", "cart"
    busy = 0.25

    def __init__(self) -> None:
        """Nothing is read or connected before the first use."""
        self._redis = Redis("cart")

    listen = staticmethod(deaf)

    def pass_on(self, publish: Publish) -> int:
        """Send the carts that changed and unmark those that did not change again; a mark without a cart goes too.

        So does that of a cart that cannot be read, or it would come first for ever: once the cart is mended,
        `souk resync cart` marks it again.
        """
        marks = self._marks()
        if not marks:
            return 0
        events = {mark: _event(mark, cart) for mark, cart in zip(marks, self._carts(marks), strict=True)}
        messages = [message(event.id, event.type, event.encoded()) for event in events.values() if event]
        sent = publish(messages) if messages else frozenset[str]()
        self._unmark([mark for mark, event in events.items() if event is None or event.id in sent])
        return len(sent)

    def lag(self) -> Lag:
        """Count the marks; a version is the time of the change in microseconds."""
        counts = self._redis.ask(*(("ZCARD", _dirty(bucket)) for bucket in BUCKETS))
        firsts = self._redis.ask(*(("ZRANGE", _dirty(bucket), 0, 0, "WITHSCORES") for bucket in BUCKETS))
        oldest = [float(first[1]) for first in firsts if first]
        age = time.time() - min(oldest) / MICROSECONDS if oldest else 0.0
        return Lag(unsent=sum(counts), oldest_seconds=max(0.0, age))

    def purge(self) -> int:
        """Nothing is kept after sending."""
        return 0

    def _marks(self) -> list[_Mark]:
        asked = (("ZRANGE", _dirty(bucket), 0, PER_BUCKET - 1, "WITHSCORES") for bucket in BUCKETS)
        answers = zip(BUCKETS, self._redis.ask(*asked), strict=True)
        return [
            _Mark(bucket, cart, score)
            for bucket, found in answers
            for cart, score in zip(found[0::2], found[1::2], strict=True)
        ]

    def _carts(self, marks: list[_Mark]) -> list[list[str | None]]:
        asked = (("HMGET", f"{{{mark.bucket}}}:cart:{mark.cart}", "version", "packed", "history") for mark in marks)
        try:
            return self._redis.ask(*asked)
        except Refusal as error:
            if len(marks) > 1:  # each by itself tells which it is
                return [cart for mark in marks for cart in self._carts([mark])]
            _illegible(marks[0], error)
            return [[None, None, None]]

    def _unmark(self, marks: list[_Mark]) -> None:
        self._redis.ask(*(("EVAL", UNMARK, 1, _dirty(mark.bucket), mark.cart, mark.score) for mark in marks))


def _dirty(bucket: str) -> str:
    return f"{{{bucket}}}:dirty"


def _event(mark: _Mark, cart: list[str | None]) -> Event | None:
    version, packed, history = cart
    if version is None or packed is None:
        return None
    try:
        return _told(mark, version, packed, history)
    except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:
        _illegible(mark, error)
        return None


def _illegible(mark: _Mark, error: Exception) -> None:
    LOG.error("a cart cannot be read", extra={"cart": mark.cart, "version": mark.score, "why": repr(error)})


def _told(mark: _Mark, version: str, packed: str, history: str | None) -> Event:
    return Event(
        id=id_of(CHANGED, mark.cart, int(version)),
        type=CHANGED,
        schema=SCHEMA,
        occurred_at=_moment(int(version)),
        aggregate=mark.cart,
        version=int(version),
        trace="",
        data=msgspec.Raw(msgspec.json.encode({**msgspec.msgpack.decode(as_bytes(packed)), "history": history})),
    )


def _moment(version: int) -> datetime:
    """Return when a version was made: versions are microseconds, unless a clock had been behind."""
    return datetime.fromtimestamp(version / MICROSECONDS, UTC) if version > EPOCH_2020 else utcnow()
