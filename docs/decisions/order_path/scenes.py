"""What is played: how many carts, shoppers' wishes and mishaps, and which protective line is taken out."""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from order_path.world import NOBODYS, Attempt, Cart, Copy, Done, Kind, Letter, Row, State, Trade, Verdict, Wish, World

FIRST = 1  # the bit of the line that the cart begins with


class Line(StrEnum):
    """A line of the protocol without which it must break."""

    STOCK = "the stock condition"
    CLAIM = "the claim"
    FREEZE = "the freeze"
    ORDER_ID = "the order id that a thaw is for"
    WAIT = "WAIT, or PostgreSQL in its place"
    SENT_AFTER = "the sent mark after publishing"
    ACK_AFTER = "the acknowledgement after delivery"
    ASKED = "asking again for an overdue verdict"
    ABANDONED = "the row of an abandoned submission"
    HISTORY = "the history that a backing write belongs to"
    HEIR = "the order of histories that are compared"
    ORIGIN = "the history that a change told belongs to"


class Role(Struct, frozen=True):
    """A function that may be at work: for which change or submission, where it is one."""

    kind: Kind
    number: int = 0


class Scene(Struct, frozen=True, kw_only=True):
    """The sizes of what is played."""

    name: str
    carts: int = 1
    changes: int = 0
    submissions: int = 0
    clicks: int = 1  # how often the same submission is on its way at once
    keyed: bool = True  # whether submissions carry an Idempotency-Key
    submitted: bool = False  # begins with every cart submitted
    attempts: int = 1
    stock: int = 1
    failovers: int = 0
    survives: bool = True  # a former primary may go on answering
    relays_end: bool = False  # also between publishing and marking; late duplicates come of the bridge's end as well
    persisted: bool = False  # changes are told to PostgreSQL
    overdue: bool = False
    asked_again: bool = False
    parked: int = 0
    whims: bool = False  # the order service may reject for another reason than stock
    money: bool = False  # reservations expire and are paid for, early or late
    without: Line | None = None

    def has(self, line: Line) -> bool:
        """Tell whether a protective line is there."""
        return self.without is not line

    def roles(self) -> tuple[Role, ...]:
        """Return the functions that one cart may have at work at once."""
        changes = [Role(Kind.CHANGE, number) for number in range(self.changes)]
        submissions = [Role(Kind.SUBMIT, number) for number in range(self.submissions)] * self.clicks
        looks = [Role(Kind.LOOK)] if self.overdue else []
        outcomes = [Role(Kind.OUTCOME)] if self.submissions or self.submitted else []
        return (*changes, *submissions, *looks, *outcomes)

    def beginning(self) -> World:
        """Return the world before anything happens: carts of one line, the same everywhere."""
        cart = Cart(version=1, state=State.OPEN, lines=FIRST, done=(Done(),) * self.submissions)
        attempts = (Attempt(),) * self.attempts
        if self.submitted:
            cart = replace(cart, version=2, state=State.FROZEN, attempt=1, frozen_from=1)
            committed = Attempt(verdict=Verdict.OPEN, lines=FIRST, letters=(Letter(True), *(Letter(),) * 3))
            attempts = (committed, *attempts[1:])
        copy = Copy(cart, history=1)
        trade = Trade(
            primary=copy,
            replica=copy,
            old=None,
            row=Row(cart, history=NOBODYS),
            told=(),
            attempts=attempts,
            tasks=(None,) * len(self.roles()),
            acknowledged=FIRST,
            wishes=(Wish(),) * self.submissions,
        )
        return World(trades=(trade,) * self.carts)


AFTER = {Verdict.PLACED: State.CLOSED, Verdict.REJECTED: State.OPEN, Verdict.ABANDONED: State.OPEN}
