"""Ten thousand random wishes of many shoppers, then the question whether the stores and their journal agree."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import click
import msgspec
from msgspec import Struct

from bench import table
from bench.checkout import evidence, people, queues, reading, settling
from bench.checkout.asking import Asking
from bench.checkout.case import Case
from bench.checkout.checker import Violation, check
from bench.checkout.evidence import Evidence
from bench.checkout.gate import Gate
from bench.checkout.journal import Journal, acts_of
from bench.checkout.plan import CUSTOMERS, GOODS, Step, plan
from bench.checkout.shopper import AT_ONCE, Shop, Shopper, followed
from bench.checkout.shopping import Progress, shop_all
from bench.table import Row

PATIENCE = 120.0  # seconds that a shopper asks again what got no answer
USES = 30  # of the voucher
TOLD_EVERY = 10.0
SOON = 60.0  # seconds in which what the shop's clock does has come to its end
TRIES = 3  # until nothing changes while the stores are read
TIME_PASSES = """
    UPDATE reservations SET held_until = now() - interval '1 second' WHERE order_id = %(order)s AND state = 'held'
"""
STORES = {"PRODUCT_SEARCH_URL": "souk.product-index", "PRODUCT_GRAPH_URL": "souk.product-graph"}


class Size(Struct, frozen=True, kw_only=True):
    """How much is done, by how many at once, and the seed that it is drawn by."""

    operations: int
    threads: int
    seed: int
    patience: float = PATIENCE


class History(Struct, frozen=True, kw_only=True):
    """What happened."""

    size: Size
    shop: Shop
    shoppers: list[Shopper]
    before: dict[str, int]
    seconds: float = 0.0

    @property
    def carts(self) -> set[str]:
        """All carts that were opened."""
        entries = list(self.shop.asking.journal.entries)
        return {str(one.answer["id"]) for one in entries if one.what == "open" and one.acknowledged}

    def look_again(self) -> None:
        """Let shoppers look at their carts, and at the orders that they have not seen decided."""
        for shopper in list(self.shoppers):
            for number, cart in list(shopper.carts.items()):
                shopper.look(Step(what="look", cart=number))
                for order in [one for one in cart.orders if one not in cart.decided]:
                    followed(self.shop.asking, cart, order)


class Verdict(Struct, frozen=True, kw_only=True):
    """What was found: violations by rule, and how long it took until everything was settled."""

    broken: dict[str, list[Violation]]
    settled: float | None
    counts: dict[str, int]

    @property
    def violations(self) -> tuple[str, ...]:
        """All of them, in words."""
        never = () if self.settled is not None else ("it did not settle in time",)
        return (*never, *(str(one) for found in self.broken.values() for one in found))


@contextmanager
def opened(base: str, size: Size, journal: Journal) -> Iterator[Shop]:
    """Make staff, customers and goods, and threads for what is asked at the same time."""
    asking = Asking(base, journal, patience=size.patience)
    staff = people.staff(asking)
    with closing(asking), ThreadPoolExecutor(size.threads * AT_ONCE) as helpers:
        yield Shop(
            asking=asking,
            staff=staff,
            goods=people.stocked(asking, staff, GOODS),
            voucher=people.voucher(asking, staff, USES),
            customers=[people.customer(asking, number) for number in range(CUSTOMERS)],
            let_time_pass=let_time_pass,
            helpers=helpers,
            gate=Gate(),
        )


def let_time_pass(order: str) -> None:
    """End the time that stock is held for an order; while the store is down time stands still."""
    import psycopg2

    try:
        reading.change("order", TIME_PASSES, {"order": order})
    except psycopg2.Error:
        return


def begun(shop: Shop, size: Size) -> History:
    """Begin, before anything has happened."""
    return History(size=size, shop=shop, shoppers=[], before=settling.given_up(shop.asking.base))


def happen(shop: Shop, size: Size, progress: Progress) -> History:
    """Let the plan happen."""
    history, began = begun(shop, size), time.monotonic()
    visits = plan(size.seed, size.operations)
    shop_all(shop, visits, threads=size.threads, progress=progress, shoppers=history.shoppers)
    return msgspec.structs.replace(history, seconds=time.monotonic() - began)


def judged(history: History, *, aside: frozenset[str], tell: Callable[[str], None]) -> Verdict:
    """Wait until everything is settled, let shoppers look once more at all their orders, and check."""
    base = history.shop.asking.base
    settled = settling.settled(base, aside=aside, tell=tell)
    settling.carried(aside=aside)
    settling.settled(base, aside=aside, tell=quiet)  # what was carried until now may have begun something more
    history.look_again()
    found = _gathered(history, aside=aside)
    case = Case(
        evidence=msgspec.structs.replace(found, left=found.left | queues.waiting(base)),
        acts=list(acts_of(list(history.shop.asking.journal.entries))),
        aside=aside,
        before=history.before,
    )
    return Verdict(broken=check(case), settled=settled, counts=counted(case))


def _gathered(history: History, *, aside: frozenset[str]) -> Evidence:
    """Read the stores, one after another, and again where the shop's clock gave stock back meanwhile."""
    goods = {one.sku: one.id for one in history.shop.goods}
    before = evidence.stock_of(goods)
    for _ in range(TRIES):
        settling.settled(history.shop.asking.base, aside=aside, within=SOON, tell=quiet)
        found = evidence.gather(history.carts, goods, voucher=history.shop.voucher)
        if (now := evidence.stock_of(goods)) == before:
            break
        before = now
    return found


def idle_queues() -> frozenset[str]:
    """Return the queues whose consumers' stores are not part of this stack."""
    from souk_cli import connections

    silent = connections.silent(STORES)
    return frozenset({*settling.NOWHERE, *(where + STORES[name] for name in silent for where in ("", "sqs "))})


def counted(case: Case) -> dict[str, int]:
    """Return how much there was of everything."""
    found = case.evidence
    rejected = sum(one.rejected for one in found.decisions)
    return {
        "requests": sum(len(act.entries) for act in case.acts),
        "wishes": len(case.acts),
        "unknown": sum(act.unknown for act in case.acts),
        "carts": len(found.kept),
        "submissions": len(found.submissions),
        "orders": len(found.orders),
        "rejections": rejected,
        "paid": len(found.payments),
        "cancelled": sum(one.status == "cancelled" for one in found.orders.values()),
        "merged": sum(one.state == "merged" for one in found.kept.values()),
        "ledger entries": len(found.ledger),
        "unexplored carts": sum(one.given_up for one in case.explained.values()),
    }


@contextmanager
def telling(progress: Progress, size: Size, tell: Callable[[str], None]) -> Iterator[None]:
    """Tell every now and then how far it is."""
    over, began = threading.Event(), time.monotonic()

    def told() -> None:
        while not over.wait(TOLD_EVERY):
            tell(f"{time.monotonic() - began:5.0f} s  {progress.operations:,} of {size.operations:,} wishes")

    teller = threading.Thread(target=told, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def rows_of(size: Size, history: History, verdict: Verdict) -> list[Row]:
    """Return the table: what was done, then each rule."""
    done = verdict.counts
    outcome = f"{done['orders']} orders, {done['rejections']} rejections"
    told = {name: float(many) for name, many in done.items() if name not in {"orders", "rejections", "requests"}}
    first = Row(
        what=f"{size.operations:,} wishes, seed {size.seed}, {size.threads} at once",
        done=done["requests"],
        outcome=outcome,
        violations=() if verdict.settled is not None else ("it did not settle in time",),
        seconds=history.seconds,
        figures={table.SETTLED: round(verdict.settled or 0.0, 1), **told},
    )
    rules = [
        Row(what=name, done=1, outcome="broken" if found else "holds", violations=tuple(map(str, found)), seconds=0)
        for name, found in verdict.broken.items()
    ]
    return [first, *rules]


def quiet(_: str) -> None:
    """Tell nobody."""


def say(text: str) -> None:
    """Tell whoever waits."""
    click.echo(text, err=True)


operations = click.option("--operations", type=click.IntRange(1, 100_000), default=10_000, show_default=True)
threads = click.option("--threads", type=click.IntRange(1, 64), default=12, show_default=True, help="Shoppers at once.")
seed = click.option("--seed", type=int, default=None, help="Repeats the plan of that number; a new one when not given.")
journal = click.option(
    "--journal", "path", type=click.Path(path_type=Path), default=None, help="Where to write the journal."
)


def drawn(seed: int | None) -> int:
    """Return the seed, a new one where none was given."""
    return seed if seed is not None else int.from_bytes(os.urandom(3), "big")


@click.command("history")
@table.base
@operations
@threads
@seed
@journal
@table.as_json
def command(*, base: str, operations: int, threads: int, seed: int | None, path: Path | None, as_json: bool) -> None:
    """Let many shoppers do random things, then check the stores against what they were told.

    The same seed and the same number of operations give the same plan; a shorter one is its beginning.
    """
    size, journal = Size(operations=operations, threads=threads, seed=drawn(seed)), Journal(path)
    say(f"seed {size.seed}")
    with opened(base, size, journal) as shop:
        progress = Progress()
        with telling(progress, size, say):
            history = happen(shop, size, progress)
        verdict = judged(history, aside=idle_queues(), tell=say)
    journal.close()
    table.tell(rows_of(size, history, verdict), as_json=as_json)
