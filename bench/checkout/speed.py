"""How fast carts change, and how soon whole checkouts are settled."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence

import click
import msgspec

from bench import table
from bench.checkout import settling, stores
from bench.checkout.buyers import PLACED
from bench.checkout.shop import Buyer, Goods, Outcome, on_sale
from bench.load import Act, Load
from bench.table import Row
from bench.wire import Client
from souk.ids import new_id

PLENTY = 1_000_000  # units of everything: nobody is turned down
VARIETY = 32  # different goods
LINES = 3
CALM = 60.0  # seconds to wait for what follows from one part before the next
WARM_UP = 5.0  # seconds
FULL = 40  # pieces in a line; then a client begins a new cart


class Checkout(msgspec.Struct, frozen=True):
    """A cart, what became of it, and how many seconds that took after it was submitted."""

    cart: str
    outcome: Outcome
    settling: float


def adding(load: Load, goods: Sequence[Goods]) -> Row:
    """Add to carts, each client to its own: new lines, and more of them in turn."""
    return _adding(load, goods, "add to cart", key=str)


def adding_safely(load: Load, goods: Sequence[Goods]) -> Row:
    """Add to carts so that each request may be sent again."""
    return _adding(load, goods, "add to cart, each with a key", key=new_id)


def _adding(load: Load, goods: Sequence[Goods], what: str, *, key: Callable[[], str]) -> Row:

    def ready(client: Client) -> Act:
        buyer = Buyer(client)

        def add(turn: int) -> float:
            if turn % (LINES * FULL) == 0:
                buyer.open()
            return buyer.add(goods[turn % LINES], key=key()).seconds

        buyer.open()
        return add

    return load.measure(what, ready)


def showing(load: Load, goods: Sequence[Goods]) -> Row:
    """Look at carts, each client at its own."""

    def ready(client: Client) -> Act:
        buyer = Buyer(client)
        buyer.open()
        for one in goods[:LINES]:
            buyer.add(one)
        return lambda _: buyer.look().seconds

    return load.measure(f"display a cart of {LINES} lines", ready)


def checking_out(load: Load, goods: Sequence[Goods], *, lines: int = LINES) -> Row:
    """Check out, again and again: a cart, its lines, a quote, the submission, until it is placed.

    Told too is how many a second that is until all that follows from them is done as well.
    """
    done: list[Checkout] = []
    numbers = itertools.count()

    def ready(client: Client) -> Act:
        def check_out(_: int) -> float:
            began, first = time.perf_counter(), next(numbers) * lines
            buyer = Buyer(client)
            buyer.open()
            for turn in range(lines):
                buyer.add(goods[(first + turn) % len(goods)])
            quote = buyer.quote()
            submitted = time.perf_counter()
            outcome = buyer.outcome(buyer.submit(quote))
            ended = time.perf_counter()
            done.append(Checkout(buyer.cart, outcome, ended - submitted))
            return ended - began

        return check_out

    row = load.measure(f"whole checkouts of {table.many(lines, 'line')}, until placed", ready)
    rest = calm(load)
    figures = {
        **row.figures,
        **{
            f"submit to placed {name}": value for name, value in table.latencies([one.settling for one in done]).items()
        },
        **({} if rest is None else {"per second until all is done": round(row.done / (row.seconds + rest), 1)}),
    }
    return msgspec.structs.replace(row, violations=tuple(_violations(done, goods)), figures=figures)


def checking_out_one(load: Load, goods: Sequence[Goods]) -> Row:
    """Check out, again and again, one thing at a time."""
    return checking_out(load, goods, lines=1)


def calm(load: Load) -> float | None:
    """Wait until nothing is left to do, and return how many seconds that took; None when it takes too long."""
    return settling.settled(load.base, aside=settling.NOWHERE, within=CALM, tell=lambda _: None)


def _violations(done: Sequence[Checkout], goods: Sequence[Goods]) -> Iterator[str]:
    for one in done:
        if one.outcome.status != PLACED:
            yield f"cart {one.cart} became {one.outcome.status} {', '.join(one.outcome.reasons)}"
    yield from stores.faults_of_carts({one.cart: one.outcome.status for one in done})
    for shelf in stores.shelves([one.sku for one in goods]):
        yield from shelf.faults()


PARTS = (adding, adding_safely, showing, checking_out, checking_out_one)


def measured(load: Load, goods: Sequence[Goods]) -> Iterator[Row]:
    """Measure one part after the other, each when nothing is left to do from the one before.

    Each begins with some seconds that do not count: new processes have to get ready, and of new goods the first sales
    are shown one by one, later ones when they have doubled.
    """
    for part in PARTS:
        calm(load)
        before = part(msgspec.structs.replace(load, seconds=WARM_UP), goods)
        calm(load)
        row = part(load, goods)
        yield msgspec.structs.replace(row, violations=(*before.violations, *row.violations))


@click.command("speed")
@table.base
@click.option("--clients", type=click.IntRange(1, 64), default=8, show_default=True, help="How many at once.")
@click.option(
    "--seconds", type=click.FloatRange(1, 60), default=10, show_default=True, help="How long each part takes."
)
@table.as_json
def command(*, base: str, clients: int, seconds: float, as_json: bool) -> None:
    """Measure adding to carts, displaying them, and whole checkouts until they are placed."""
    load = Load(base=base, clients=clients, seconds=seconds)
    goods = on_sale(base, VARIETY, stock=PLENTY)
    table.tell(list(measured(load, goods)), as_json=as_json)
