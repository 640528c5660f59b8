"""Which scenes are played: in `make test` those that are small, by `make model` all; and what must break in which."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from order_path.scenes import Line, Scene

FAILOVERS = Scene(name="one change, two failovers", changes=1, failovers=2, persisted=True)
CHANGES = Scene(name="two changes, two failovers", changes=2, failovers=2)
SUBMISSION = Scene(name="a submission", submissions=1, whims=True, overdue=True, relays_end=True)
CHANGED = Scene(
    name="a submission and a change", changes=1, submissions=1, attempts=2, whims=True, overdue=True, relays_end=True
)
CLICKS = Scene(name="a submission clicked twice", submissions=1, clicks=2, keyed=False, whims=True, overdue=True)
FAILED_OVER = Scene(name="a submission, a failover", submissions=1, failovers=1, overdue=True)
AGAIN = Scene(name="two submissions", submissions=2, attempts=2, whims=True, overdue=True)
PARKED = Scene(
    name="a submission, an event parked", submissions=1, whims=True, overdue=True, asked_again=True, parked=1
)
RUSH = Scene(name="two carts for one unit", carts=2, submitted=True, money=True)
CROWD = Scene(name="three carts for one unit", carts=3, submitted=True)
EVERYTHING = Scene(
    name="everything at once, at random",
    carts=2,
    changes=2,
    submissions=2,
    attempts=2,
    failovers=3,
    relays_end=True,
    persisted=True,
    overdue=True,
    asked_again=True,
    parked=2,
    whims=True,
    money=True,
)

QUICK = (FAILOVERS, SUBMISSION, CLICKS, RUSH)
FULL = (*QUICK, CHANGES, CHANGED, FAILED_OVER, AGAIN, PARKED, CROWD)

BREAKS: Mapping[Line, Scene] = MappingProxyType(
    {
        Line.STOCK: RUSH,
        Line.CLAIM: SUBMISSION,
        Line.FREEZE: CHANGED,
        Line.ORDER_ID: AGAIN,
        Line.WAIT: FAILOVERS,
        Line.SENT_AFTER: SUBMISSION,
        Line.ACK_AFTER: SUBMISSION,
        Line.ASKED: PARKED,
        Line.ABANDONED: SUBMISSION,
        Line.HISTORY: CHANGES,
        Line.HEIR: FAILOVERS,
        Line.ORIGIN: FAILOVERS,
    }
)


def without(line: Line) -> Scene:
    """Return the scene that must break without that line."""
    return replace(BREAKS[line], without=line)
