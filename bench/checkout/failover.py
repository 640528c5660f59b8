"""How long no cart can be changed when the primary of Redis is lost: killed, killed and back at once, or as planned."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from random import Random

import click
from msgspec import Struct

from bench import table
from bench.checkout import rig
from bench.checkout.history import say
from bench.checkout.probe import Probe
from bench.checkout.rig import Rig
from bench.checkout.shop import Buyer, Goods, on_sale
from bench.checkout.troubles import TROUBLES
from bench.table import Row
from bench.wire import Client
from souk.stages import SERVE
from souk_local.patience import until

KINDS = ("kill redis primary", "restart redis primary", "redis failover")
CARTS = 4
MOST = 40  # pieces in a line
CALM = 2.0  # seconds of changes before and after
AGAIN = 60.0  # seconds until a cart has to be changed again
LIMIT = 10.0  # seconds that a change may be away: a few, told by Retry-After
BUG, UNAVAILABLE = 500, 503


class Loss(Struct, frozen=True, kw_only=True):
    """One time that the primary was lost: how long each cart could not be changed, and what went wrong."""

    away: tuple[float, ...]
    answers: Counter[int]
    violations: tuple[str, ...]


class Hand:
    """Somebody who changes one line of a cart all the time, and knows what it may hold."""

    def __init__(self, base: str, goods: Goods) -> None:
        """Open a cart."""
        self._sku, self._quantity = goods.sku, 1
        self._buyer = Buyer(Client(base))
        self._buyer.open()
        self._buyer.add(goods)
        self._possible, self._unanswered = {1}, set[int]()
        self.answers: Counter[int] = Counter()
        self.probe = Probe(base, self.change)

    def change(self, client: Client) -> int:
        """Set the line to another amount. What is refused may have happened, what is not answered may happen any time."""
        self._quantity = self._quantity % MOST + 1
        self._possible.add(self._quantity)
        self._unanswered.add(self._quantity)
        where = f"/cart/carts/{self._buyer.cart}/lines/{self._sku}"
        status = client.ask("PUT", where, {"quantity": self._quantity}, token=self._buyer.token).status
        self._unanswered.discard(self._quantity)
        self.answers[status] += 1
        if status < 300:
            self._possible = {self._quantity}
        return status

    def faults(self) -> Iterator[str]:
        """Tell what the cart holds and cannot, by what was acknowledged."""
        [line] = self._buyer.look().body["lines"]
        possible = self._possible | self._unanswered
        if line["quantity"] not in possible:
            yield f"cart {self._buyer.cart} holds {line['quantity']}, not one of {sorted(possible)}"
        if self.answers[BUG]:
            yield f"cart {self._buyer.cart}: {self.answers[BUG]} changes were answered 500"

    def close(self) -> None:
        """Hang up."""
        self.probe.stop()
        self._buyer.client.close()


@contextmanager
def changing(base: str, goods: Goods) -> Iterator[Sequence[Hand]]:
    """Let several carts be changed all the time, each over a connection of its own."""
    with ExitStack() as leaving:
        hands = [Hand(base, goods) for _ in range(CARTS)]
        for hand in hands:
            leaving.callback(hand.close)
            hand.probe.start()
        yield hands


def lose(there: Rig, kind: str, goods: Goods, dice: Random) -> Loss:
    """Lose the primary once, and look how long that was noticed."""
    with changing(there.base, goods) as hands:
        time.sleep(CALM)
        struck = time.monotonic()
        TROUBLES[kind].strike(there, dice)
        time.sleep(CALM)
        for hand in hands:
            hand.probe.rest(AGAIN)
            hand.probe.stop()
        away = tuple(hand.probe.outage(struck) for hand in hands)
        violations = [fault for hand in hands for fault in hand.faults()]
    late = [f"no change for {one:.1f} s, not within {LIMIT:.0f}" for one in away if one > LIMIT]
    answers = sum((hand.answers for hand in hands), Counter[int]())
    until(there.redis_well, "Redis to be well", within=AGAIN)
    say(f"{kind:<22} no change for {max(away):.2f} s")
    return Loss(away=away, answers=answers, violations=(*violations, *late))


def row_of(kind: str, losses: Sequence[Loss], seconds: float) -> Row:
    """Return the table's row of a kind: each time counts with the cart that was away the longest."""
    away = [max(one.away) for one in losses]
    violations = tuple(fault for one in losses for fault in one.violations)
    return Row(
        what=kind,
        done=len(losses),
        outcome="in time, nothing lost" if not violations else "late or lost",
        violations=violations,
        seconds=seconds,
        figures={
            "no change, median s": round(statistics.median(away), 2),
            "worst s": round(max(away), 2),
            "changes": sum(sum(one.answers.values()) for one in losses),
            "answered 503": sum(one.answers[UNAVAILABLE] for one in losses),
            "at most s": LIMIT,
        },
    )


def measure(there: Rig, kind: str, times: int, dice: Random) -> Row:
    """Lose the primary so many times."""
    [goods] = on_sale(there.base, 1, stock=MOST)
    began = time.monotonic()
    losses = [lose(there, kind, goods, dice) for _ in range(times)]
    return row_of(kind, losses, time.monotonic() - began)


@click.command("failover")
@click.option(
    "--on", "where", type=click.Choice(list(rig.HOMES)), default=SERVE, show_default=True, help="Which deployment."
)
@click.option("--times", type=click.IntRange(1, 100), default=5, show_default=True, help="How often, each kind.")
@click.option("--only", type=click.Choice(KINDS), multiple=True, help="Only this kind; may be given again.")
@table.as_json
def command(*, where: str, times: int, only: tuple[str, ...], as_json: bool) -> None:
    """Measure how long no cart can be changed when the primary of Redis is lost, and that no change is lost with it.

    Several carts are changed all the time. On serve it serves by itself on this checkout's stack, which has to run.
    """
    dice = Random()  # noqa: S311 - for how long a killed node stays away
    with rig.HOMES[where]() as there:
        rows = [measure(there, kind, times, dice) for kind in only or KINDS]
    table.tell(rows, as_json=as_json)
