"""A history while everything is killed at random moments: nothing acknowledged is lost, and everything settles in time.

In rounds: shoppers shop, trouble strikes and is over, shoppers go on for a moment, then they stand still until all is
settled, and every rule is checked on the whole history so far. What a round finds new is the fault of its trouble.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from random import Random

import click
from msgspec import Struct

from bench import table
from bench.checkout import history, mixing, rig, settling, troubles
from bench.checkout.history import History, Size, Verdict, say
from bench.checkout.journal import Journal
from bench.checkout.plan import plan
from bench.checkout.probe import Probe, probing
from bench.checkout.rig import Rig
from bench.checkout.shopper import Shop
from bench.checkout.shopping import Progress, shop_all
from bench.checkout.troubles import TROUBLES
from bench.table import Row
from souk.stages import SERVE

BEFORE, AFTER = (1.0, 4.0), (0.5, 2.0)  # seconds of shopping before and after trouble
FINISHED = 150.0  # seconds that steps which had begun may take
ENOUGH = 100_000  # wishes; the time is over first
ALL_AGAIN = "all messages again"


class Round(Struct, frozen=True, kw_only=True):
    """One trouble and what came of it, in seconds; `settled` None when it never did in time."""

    kind: str
    carts_away: float
    quotes_away: float
    settled: float | None
    lasted: float
    violations: tuple[str, ...]


class Chaos:
    """A history with trouble."""

    def __init__(self, happening: History, there: Rig, probes: tuple[Probe, Probe], dice: Random) -> None:
        """Trouble `there` while it is happening."""
        self.history, self._rig, self._probes, self._dice = happening, there, probes, dice
        self._aside = history.idle_queues()
        self._known: set[str] = set()
        self.rounds: list[Round] = []
        self.verdict: Verdict | None = None

    def round(self, kind: str) -> Round:
        """Strike once, and look what came of it."""
        gate, began = self.history.shop.gate, time.monotonic()
        for probe in self._probes:
            probe.wake()
        gate.open()
        time.sleep(self._dice.uniform(*BEFORE))
        struck = time.monotonic()
        TROUBLES[kind].strike(self._rig, self._dice)
        over = time.monotonic()
        time.sleep(self._dice.uniform(*AFTER))
        return self._looked(kind, began, struck, over)

    def once_more(self) -> Round:
        """Deliver all messages again that were ever held, and look what came of it."""
        began = time.monotonic()
        say(f"{mixing.again(self._dice)} messages are delivered again")
        return self._looked(ALL_AGAIN, began, began, time.monotonic())

    def _looked(self, kind: str, began: float, struck: float, over: float) -> Round:
        for probe in self._probes:
            probe.rest(FINISHED)
        finished = self.history.shop.gate.close(FINISHED)
        settled = settling.settled(self.history.shop.asking.base, aside=self._aside, tell=history.quiet)
        waited = None if settled is None else time.monotonic() - over
        carts, quotes = (probe.outage(struck) for probe in self._probes)
        found = self._new(finished=finished)
        one = Round(
            kind=kind,
            carts_away=carts,
            quotes_away=quotes,
            settled=waited,
            lasted=time.monotonic() - began,
            violations=tuple(found),
        )
        self.rounds.append(one)
        say(
            f"{kind:<22} carts away {carts:5.1f} s, quotes {quotes:5.1f} s, "
            f"settled after {waited or -1:5.1f} s, {len(found)} violations"
        )
        return one

    def _new(self, *, finished: bool) -> list[str]:
        """Return the violations that were not there before."""
        self.verdict = history.judged(self.history, aside=self._aside, tell=history.quiet)
        found = [] if finished else ["a shopper got no answer for minutes"]
        found += [one for one in self.verdict.violations if one not in self._known]
        self._known.update(found)
        for one in found:
            say(f"VIOLATED: {one}")
        return found


def kinds(dice: Random, among: Sequence[str], minutes: float) -> Iterator[str]:
    """Return kinds of trouble until the time is over: each once, in any order, then all again."""
    end = time.monotonic() + 60 * minutes
    while True:
        for kind in dice.sample(among, len(among)):
            yield kind
            if time.monotonic() > end:
                return


def run(there: Rig, size: Size, *, happening: Iterable[str], journal: Journal) -> list[Row]:
    """Let one trouble after the other happen, and return the table."""
    dice = Random(size.seed)  # noqa: S311 - it has to be repeatable
    with history.opened(there.base, size, journal) as shop, probing(there.base, shop.goods[0]) as probes:
        chaos = Chaos(history.begun(shop, size), there, probes, dice)
        shopping = _begun(shop, size, chaos)
        try:
            for kind in happening:
                chaos.round(kind)
            if mixing.copies:
                chaos.once_more()
        finally:
            shop.gate.end()
            shopping.join()
    return rows_of(chaos)


def _begun(shop: Shop, size: Size, chaos: Chaos) -> threading.Thread:
    """Let people shop from now on, on a thread of its own."""
    visits, shoppers = plan(size.seed, size.operations), chaos.history.shoppers
    shopping = threading.Thread(
        target=shop_all,
        args=(shop, visits),
        kwargs={"threads": size.threads, "progress": Progress(), "shoppers": shoppers},
    )
    shopping.start()
    return shopping


def rows_of(chaos: Chaos) -> list[Row]:
    """Return a row for each kind of trouble, and one for all of it."""
    by_kind: dict[str, list[Round]] = defaultdict(list)
    for one in chaos.rounds:
        by_kind[one.kind].append(one)
    counts = chaos.verdict.counts if chaos.verdict else {}
    whole = Row(
        what="all of it",
        done=counts.get("requests", 0),
        outcome=f"{counts.get('orders', 0)} orders, {counts.get('rejections', 0)} rejections",
        violations=tuple(one for found in chaos.rounds for one in found.violations),
        seconds=sum(one.lasted for one in chaos.rounds),
        figures={name: float(many) for name, many in counts.items()},
    )
    return [*(_row(kind, rounds) for kind, rounds in sorted(by_kind.items())), whole]


def _row(kind: str, rounds: Sequence[Round]) -> Row:
    limit = TROUBLES[kind].settles_within if kind in TROUBLES else settling.WITHIN
    settled = [one.settled if one.settled is not None else float("inf") for one in rounds]
    late = [f"settled after {one:.0f} s, not within {limit:.0f}" for one in settled if one > limit]
    return Row(
        what=kind,
        done=len(rounds),
        outcome="in time" if not late else "late",
        violations=(*(one for found in rounds for one in found.violations), *late),
        seconds=sum(one.lasted for one in rounds),
        figures={
            "carts away s": round(max(one.carts_away for one in rounds), 1),
            "quotes away s": round(max(one.quotes_away for one in rounds), 1),
            table.SETTLED: round(max(settled), 1),
            "at most s": limit,
        },
    )


@click.command("chaos")
@click.option(
    "--on", "where", type=click.Choice(list(rig.HOMES)), default=SERVE, show_default=True, help="Which deployment."
)
@click.option("--minutes", type=click.FloatRange(0, 600), default=15, show_default=True, help="How long, more or less.")
@history.threads
@history.seed
@history.journal
@click.option(
    "--only", type=click.Choice(sorted(TROUBLES)), multiple=True, help="Only this kind of trouble; may be given again."
)
@click.option("--small", is_flag=True, help="Each kind of kill, once; however long it takes.")
@table.as_json
def command(
    *,
    where: str,
    minutes: float,
    threads: int,
    seed: int | None,
    path: Path | None,
    only: tuple[str, ...],
    small: bool,
    as_json: bool,
) -> None:
    """Let many shoppers do random things while everything is killed, parted and stands still.

    On serve it serves by itself on this checkout's stack, which has to run; nobody else may serve on it. On local it is
    the shop that was deployed on LocalStack.
    """
    among = [kind for kind in troubles.possible(where) if kind in (only or (troubles.SMALL if small else TROUBLES))]
    if not among:
        raise click.UsageError(f"nothing of that can happen on {where}")
    size, journal = Size(operations=ENOUGH, threads=threads, seed=history.drawn(seed)), Journal(path)
    say(f"seed {size.seed}")
    dice = Random(size.seed)  # noqa: S311 - it has to be repeatable
    with rig.HOMES[where]() as there:
        happening = dice.sample(among, len(among)) if small else kinds(dice, among, minutes)
        rows = run(there, size, happening=happening, journal=journal)
    journal.close()
    table.tell(rows, as_json=as_json)
