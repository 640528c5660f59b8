"""What exists at one moment: each cart wherever it is kept, what is on its way, and what is being done about it."""

from collections.abc import Iterator
from enum import IntEnum, StrEnum

import msgspec
from msgspec import Struct

NOBODYS = 0  # the history of a row that was never compared


class State(IntEnum):
    """What may be done with a cart."""

    OPEN = 0
    FROZEN = 1
    CLOSED = 2


class Verdict(IntEnum):
    """What became of a submission, or of an order."""

    NONE = 0
    OPEN = 1
    PLACED = 2
    REJECTED = 3
    ABANDONED = 4


class At(IntEnum):
    """What a function does next."""

    TRY = 0  # read the cart in Redis and write what the rule makes of it, if nothing came in between
    INSTALL = 1  # PostgreSQL was asked, the newer cart goes to Redis
    MEND = 2  # compare it with its submissions
    REWRITE = 3  # write what they make of it
    WAIT = 4  # for the replica
    KEEP = 5  # in PostgreSQL, as the replica did not confirm
    OPEN = 6  # the submission
    ANSWER = 7  # what was committed
    ABANDON = 8  # the submission that never came
    SETTLE = 9  # the submission, as the order service decided


class Hold(IntEnum):
    """What became of an order's unit of stock."""

    NONE = 0
    HELD = 1
    PAID = 2
    EXPIRED = 3


class Kind(StrEnum):
    """Who does something."""

    CHANGE = "change"
    SUBMIT = "submission"
    LOOK = "look after submissions"
    OUTCOME = "outcome consumer"


class Done(Struct, frozen=True, array_like=True):
    """What was submitted under a key: the attempt, none at first, and the lines. The same key is good for no others."""

    attempt: int = 0
    lines: int = 0


class Cart(Struct, frozen=True, array_like=True):
    """A cart; `lines` has a bit for each change made, `done` what each keyed submission made."""

    version: int
    state: State
    lines: int
    attempt: int = 0
    frozen_from: int = 0
    done: tuple[Done, ...] = ()


class Copy(Struct, frozen=True, array_like=True):
    """A cart on a Redis server: under which history it was compared with PostgreSQL, and whether it is to be told."""

    cart: Cart
    history: int
    dirty: bool = False


class Row(Struct, frozen=True, array_like=True):
    """A cart in PostgreSQL or on its way there, and the history it belongs to."""

    cart: Cart
    history: int


class Letter(Struct, frozen=True, array_like=True):
    """An event: whether it waits in the outbox, and whether it waits in the queue."""

    unsent: bool = False
    queued: bool = False


class Attempt(Struct, frozen=True, array_like=True):
    """What the cart's and the order's databases know of one attempt, and the four events about it."""

    verdict: Verdict = Verdict.NONE
    lines: int = 0
    letters: tuple[Letter, Letter, Letter, Letter] = (Letter(),) * 4
    heard: tuple[bool, bool] = (False, False)
    decision: Verdict = Verdict.NONE
    decisions: int = 0  # how often it was decided
    hold: Hold = Hold.NONE
    units: int = 0


class Task(Struct, frozen=True, array_like=True):
    """A function at work, on its connection to the server of a history; all of it is lost when it ends."""

    at: At
    on: int
    found: Cart | None = None
    attempt: int = 0
    verdict: Verdict = Verdict.NONE
    letter: int = 0

    @property
    def cart(self) -> Cart:
        """The cart that it found or wrote. Raises LookupError before it has done so."""
        if self.found is None:
            raise LookupError("nothing was found yet")
        return self.found


class Wish(Struct, frozen=True, array_like=True):
    """What a shopper knows of a submission: the cart as it was seen, and the attempt that was acknowledged."""

    seen: int = 0
    lines: int = 0
    answered: int = 0
    contradicted: bool = False


class Trade(Struct, frozen=True, array_like=True):
    """All there is of one cart."""

    primary: Copy
    replica: Copy
    old: Copy | None
    row: Row
    told: tuple[Row, ...]
    attempts: tuple[Attempt, ...]
    tasks: tuple[Task | None, ...]
    acknowledged: int
    wishes: tuple[Wish, ...]

    def carts(self) -> Iterator[Cart]:
        """Return every copy of the cart."""
        yield self.primary.cart
        yield self.replica.cart
        if self.old is not None:
            yield self.old.cart
        yield self.row.cart
        for row in self.told:
            yield row.cart
        for task in self.tasks:
            if task is not None and task.found is not None:
                yield task.found

    def next_version(self) -> int:
        """Return a version above all others: they are time."""
        return 1 + max((*(cart.version for cart in self.carts()), *(wish.seen for wish in self.wishes)))


class World(Struct, frozen=True, array_like=True):
    """Everything; the primary is of `history`, a former primary that still answers of the one before."""

    trades: tuple[Trade, ...]
    history: int = 1
    parked: int = 0


def encoded(world: World) -> bytes:
    """Return the same bytes for worlds that differ by the order of carts or the numbers of versions only."""
    trades = sorted(_canonical(trade) for trade in world.trades)
    return b"%d %d " % (world.history, world.parked) + b"".join(trades)


_CANONICAL: dict[bytes, bytes] = {}
_KEPT = 1_000_000


def _canonical(trade: Trade) -> bytes:
    raw = msgspec.msgpack.encode(trade)
    known = _CANONICAL.get(raw)
    if known is None:
        if len(_CANONICAL) >= _KEPT:
            _CANONICAL.clear()
        known = _CANONICAL[raw] = msgspec.msgpack.encode(_ranked(trade))
    return known


def _ranked(trade: Trade) -> Trade:
    """Return the trade with versions numbered from one, in their order: nothing depends on more than that."""
    versions = {0, *(wish.seen for wish in trade.wishes)}
    for cart in trade.carts():
        versions |= {cart.version, cart.frozen_from}
    ranks = {version: rank for rank, version in enumerate(sorted(versions))}
    if all(version == rank for version, rank in ranks.items()):
        return trade

    def ranked(cart: Cart) -> Cart:
        return msgspec.structs.replace(cart, version=ranks[cart.version], frozen_from=ranks[cart.frozen_from])

    def copied(copy: Copy) -> Copy:
        return Copy(ranked(copy.cart), copy.history, copy.dirty)

    return Trade(
        primary=copied(trade.primary),
        replica=copied(trade.replica),
        old=copied(trade.old) if trade.old else None,
        row=Row(ranked(trade.row.cart), trade.row.history),
        told=tuple(Row(ranked(row.cart), row.history) for row in trade.told),
        attempts=trade.attempts,
        tasks=tuple(
            msgspec.structs.replace(task, found=ranked(task.found)) if task and task.found else task
            for task in trade.tasks
        ),
        acknowledged=trade.acknowledged,
        wishes=tuple(msgspec.structs.replace(wish, seen=ranks[wish.seen]) for wish in trade.wishes),
    )
