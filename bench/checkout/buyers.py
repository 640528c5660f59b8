"""Many buyers of few units: exactly as many are sold as there are, everybody else is told why not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec

from bench import table
from bench.checkout import stores
from bench.checkout.shop import Buyer, Goods, Outcome, on_sale
from bench.crew import Crew
from bench.table import Row
from bench.wire import Client

SHORT = "out-of-stock"
PLACED, REJECTED = Outcome(status="placed"), "rejected"


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """How many come, for how many units, how many of them at once, and of how many SKUs each takes one."""

    buyers: int
    units: int
    at_once: int
    skus: int = 1

    @property
    def what(self) -> str:
        """The scenario, in words."""
        goods = "" if self.skus == 1 else f" of {self.skus} SKUs in any order"
        return f"{self.buyers} buyers, {self.units} units{goods}, {self.at_once} at once"


class Bought(msgspec.Struct, frozen=True):
    """A cart, what became of its submission, and how many seconds after it that was known."""

    cart: str
    outcome: Outcome
    seconds: float


def compete(base: str, crowd: Crowd) -> Row:
    """Let the crowd buy, then read the stores. Carts and quotes are made first, so that all submit at the same time."""
    goods = on_sale(base, crowd.skus, stock=crowd.units)
    began = time.monotonic()
    with Crew(base, crowd.at_once) as crew:
        ready = crew.each(range(crowd.buyers), lambda client, number: _ready(client, _turned(goods, number)))
        bought = crew.each(ready, lambda client, one: _buy(client, *one))
    return Row(
        what=crowd.what,
        done=len(bought),
        outcome=_counted(bought),
        violations=(*_wrong(crowd, bought), *_kept_wrong(crowd, goods, bought)),
        seconds=time.monotonic() - began,
        figures=table.latencies([one.seconds for one in bought]),
    )


def _turned(goods: Sequence[Goods], number: int) -> Sequence[Goods]:
    """Return the goods in an order of the buyer's own: every second one the other way round, each begins elsewhere."""
    start = number // 2 % len(goods)
    turned = [*goods[start:], *goods[:start]]
    return turned[::-1] if number % 2 else turned


def _ready(client: Client, goods: Sequence[Goods]) -> tuple[Buyer, dict[str, Any]]:
    buyer = Buyer(client)
    buyer.open()
    for one in goods:
        buyer.add(one)
    return buyer, buyer.quote()


def _buy(client: Client, buyer: Buyer, quote: dict[str, Any]) -> Bought:
    here, began = buyer.on(client), time.monotonic()
    outcome = here.outcome(here.submit(quote))
    return Bought(buyer.cart, outcome, time.monotonic() - began)


def _counted(bought: Sequence[Bought]) -> str:
    found = Counter(" ".join([one.outcome.status, *sorted(set(one.outcome.reasons))]) for one in bought)
    return ", ".join(f"{count} {what}" for what, count in sorted(found.items()))


def _wrong(crowd: Crowd, bought: Sequence[Bought]) -> Iterator[str]:
    """Tell what buyers were told and should not have been."""
    placed = sum(one.outcome.status == "placed" for one in bought)
    if placed != min(crowd.units, crowd.buyers):
        yield f"{placed} were told that their order is placed, of {crowd.units} units"
    for one in bought:
        if one.outcome != PLACED and (one.outcome.status, set(one.outcome.reasons)) != (REJECTED, {SHORT}):
            yield f"cart {one.cart} became {one.outcome.status} {', '.join(one.outcome.reasons)}"


def _kept_wrong(crowd: Crowd, goods: Sequence[Goods], bought: Sequence[Bought]) -> Iterator[str]:
    """Tell what the stores hold and should not."""
    told = {one.cart: one.outcome.status for one in bought}
    yield from stores.faults_of_carts(told)
    shelves = stores.shelves([one.sku for one in goods])
    if len(shelves) != len(goods):
        yield f"{len(shelves)} rows of stock for {len(goods)} SKUs"
    for shelf in shelves:
        yield from shelf.faults()
        if shelf.sold != min(crowd.units, crowd.buyers):
            yield f"{shelf.sku}: {shelf.sold} sold of {crowd.units}"


@click.command("buyers")
@table.base
@click.option("--buyers", type=click.IntRange(1, 2000), default=200, show_default=True, help="How many come.")
@click.option("--units", type=click.IntRange(1, 2000), default=20, show_default=True, help="How much there is.")
@click.option("--at-once", type=click.IntRange(1, 64), default=32, show_default=True, help="How many at the same time.")
@click.option(
    "--skus", type=click.IntRange(0, 50), default=10, show_default=True, help="SKUs a cart; 0 skips that part."
)
@table.as_json
def command(*, base: str, buyers: int, units: int, at_once: int, skus: int, as_json: bool) -> None:
    """Let many buyers compete for few units: of one SKU, then of several that each takes in another order."""
    crowds = [Crowd(buyers=buyers, units=units, at_once=at_once)]
    if skus:
        crowds.append(Crowd(buyers=buyers, units=units, at_once=at_once, skus=skus))
    table.tell([compete(base, crowd) for crowd in crowds], as_json=as_json)
