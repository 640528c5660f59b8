"""How events travel: outbox, relay, queue, bridge, consumer; and what the order service decides on the way."""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from order_path.change import attempt_of, with_attempt
from order_path.scenes import Line, Scene
from order_path.world import NOBODYS, Attempt, Hold, Letter, Row, Trade, Verdict


class Event(NamedTuple):
    """What may happen to an attempt next; `own` for what goes on without shoppers and mishaps."""

    what: str
    own: bool
    attempt: Attempt


SUBMITTED, ASKED, OUTCOME, OUTCOME_AGAIN = range(4)
NAMES = ("cart.submitted", "cart.submitted (asked again)", "the outcome", "the outcome (told again)")


def letter_written(trade: Trade, number: int, which: int) -> Trade:
    """Put an event into the outbox."""
    return with_attempt(trade, number, _written(attempt_of(trade, number), which))


def letter_done(trade: Trade, number: int, which: int) -> Trade:
    """Take an event that was heard from its queue."""
    return with_attempt(trade, number, _dequeued(attempt_of(trade, number), which))


def _with(attempt: Attempt, which: int, letter: Letter) -> Attempt:
    a, b, c, d = attempt.letters
    letters = ((letter, b, c, d), (a, letter, c, d), (a, b, letter, d), (a, b, c, letter))[which]
    return replace(attempt, letters=letters)


def _written(attempt: Attempt, which: int) -> Attempt:
    return _with(attempt, which, Letter(True, attempt.letters[which].queued))


def _dequeued(attempt: Attempt, which: int) -> Attempt:
    return _with(attempt, which, Letter(attempt.letters[which].unsent, False))


def sent(attempt: Attempt, scene: Scene) -> Iterator[Event]:
    """Return what the relay may do: publish, then mark as sent; it may end in between."""
    for which, letter in enumerate(attempt.letters):
        if not letter.unsent:
            continue
        yield Event(
            f"the relay publishes {NAMES[which]}, marked as sent", True, _with(attempt, which, Letter(False, True))
        )
        if not scene.relays_end:
            continue
        if scene.has(Line.SENT_AFTER):
            ended = _with(attempt, which, Letter(True, True))
            yield Event(f"the relay publishes {NAMES[which]} and ends before it is marked as sent", False, ended)
        else:
            ended = _with(attempt, which, Letter(False, letter.queued))
            yield Event(f"the relay marks {NAMES[which]} as sent and ends before it is published", False, ended)


def delivered(attempt: Attempt, which: int, scene: Scene) -> Iterator[tuple[str, bool, Attempt]]:
    """Return what the bridge may do with an event that its consumer has heard: acknowledge it, or end before."""
    yield "", True, _dequeued(attempt, which)
    if scene.has(Line.ACK_AFTER):
        yield "; the bridge ends before it acknowledges", False, attempt


def dropped(attempt: Attempt, scene: Scene) -> Iterator[Event]:
    """Return what is lost when the bridge acknowledges what it has yet to deliver."""
    if scene.has(Line.ACK_AFTER):
        return
    for which, letter in enumerate(attempt.letters):
        if letter.queued:
            what = f"the bridge acknowledges {NAMES[which]} and ends before it is delivered"
            yield Event(what, False, _dequeued(attempt, which))


def asked_again(attempt: Attempt) -> Iterator[Event]:
    """Return the attempt after its overdue verdict was asked for again, by an event of its own."""
    if attempt.verdict is Verdict.OPEN and attempt.letters[ASKED] == Letter():
        after = replace(_written(attempt, ASKED), heard=(attempt.heard[0], False))
        yield Event("the overdue verdict is asked for again", True, after)


def parked(attempt: Attempt) -> Iterator[Event]:
    """Return the attempt with each event that waits in a queue given up as a dead letter."""
    for which, letter in enumerate(attempt.letters):
        if letter.queued:
            yield Event(f"{NAMES[which]} is parked", False, _dequeued(attempt, which))


def decided(attempt: Attempt, free: int, scene: Scene) -> Iterator[Event]:
    """Return what the order service may make of the events about a submission: claim, stock, order and event at once."""
    for which in (SUBMITTED, ASKED):
        if not attempt.letters[which].queued:
            continue
        heard = (True, attempt.heard[1]) if which == SUBMITTED else (attempt.heard[0], True)
        for end, own, done in delivered(attempt, which, scene):
            for what, after in _decisions(done, which, free, scene):
                said = f"the order service is given {NAMES[which]} and {what}{end}"
                yield Event(said, own, replace(after, heard=heard))


def _decisions(attempt: Attempt, which: int, free: int, scene: Scene) -> Iterator[tuple[str, Attempt]]:
    if attempt.decisions and scene.has(Line.CLAIM):
        if attempt.heard[which]:
            yield "knows it", attempt
        else:
            yield "tells again what was decided", _written(attempt, OUTCOME_AGAIN)
        return
    told = replace(_written(attempt, OUTCOME), decisions=attempt.decisions + 1)
    if free > 0 or not scene.has(Line.STOCK):
        yield "places the order", replace(told, decision=Verdict.PLACED, hold=Hold.HELD, units=attempt.units + 1)
    if free <= 0 or scene.whims:
        yield "rejects it", replace(told, decision=Verdict.REJECTED)


def money(attempt: Attempt, free: int) -> Iterator[Event]:
    """Return what time and payments may make of an order: what expired is taken again, or the money goes back."""
    if attempt.hold is Hold.HELD:
        yield Event("the reservation expires", True, replace(attempt, hold=Hold.EXPIRED, units=attempt.units - 1))
        yield Event("the order is paid", False, replace(attempt, hold=Hold.PAID))
    if attempt.hold is Hold.EXPIRED and free > 0:
        yield Event("the order is paid late", False, replace(attempt, hold=Hold.PAID, units=attempt.units + 1))


def persisted(trade: Trade, history: int, scene: Scene) -> Iterator[tuple[str, Trade]]:
    """Return how changed carts get from Redis to PostgreSQL: published as they are now, kept where newer."""
    for on, copy in ((history, trade.primary), (history - 1, trade.old)):
        if copy is None or not copy.dirty:
            continue
        where = "primary" if on == history else "former primary"
        told = tuple(
            sorted({*trade.told, Row(copy.cart, copy.history)}, key=lambda row: (row.cart.version, row.history))
        )
        sent = replace(copy, dirty=False)
        after = replace(trade, told=told, primary=sent) if on == history else replace(trade, told=told, old=sent)
        yield f"the relay tells of v{copy.cart.version} as the {where} has it", after
    for row in trade.told:
        ours = trade.row.history in {NOBODYS, row.history} or not scene.has(Line.ORIGIN)
        newer = row.cart.version > trade.row.cart.version and ours
        after = replace(trade, told=tuple(one for one in trade.told if one is not row))
        if newer:
            after = replace(after, row=Row(row.cart, trade.row.history))
        yield f"PostgreSQL {'keeps' if newer else 'has no use for'} the v{row.cart.version} it is told of", after
