"""Many buyers of few units, or of few uses of a voucher: as many get them as there are, all others are told why not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import click
import msgspec

from bench import table
from bench.checkout import redelivery, stores
from bench.checkout.shop import Buyer, Goods, Keeper, Outcome
from bench.crew import Crew
from bench.table import Row
from bench.wire import Client

SHORT, USED_UP = "out-of-stock", "voucher-used-up"
PLACED, REJECTED = "placed", "rejected"
MORE = 5  # units that come in before everything is delivered again: whoever is asked twice could have them


class Crowd(msgspec.Struct, frozen=True, kw_only=True):
    """How many come, for how many units, how many of them at once, and of how many SKUs each takes one."""

    buyers: int
    units: int
    at_once: int
    skus: int = 1
    voucher: bool = False
    """Whether it is the uses of a voucher that are few, and units are plenty."""

    @property
    def few(self) -> str:
        """What there is not enough of."""
        return f"{self.units} uses of a voucher" if self.voucher else f"{self.units} units"

    @property
    def what(self) -> str:
        """The scenario, in words."""
        goods = "" if self.skus == 1 else f" of {self.skus} SKUs in any order"
        return f"{self.buyers} buyers, {self.few}{goods}, {self.at_once} at once"

    @property
    def lucky(self) -> int:
        """How many get what they want."""
        return min(self.units, self.buyers)


class Bought(msgspec.Struct, frozen=True):
    """A cart, what became of its submission, and how many seconds after it that was known."""

    cart: str
    outcome: Outcome
    seconds: float


class Wave(msgspec.Struct, frozen=True, kw_only=True):
    """What a crowd was after, and what it got."""

    crowd: Crowd
    goods: list[Goods]
    voucher: str
    bought: list[Bought]
    seconds: float

    def row(self) -> Row:
        """Compare what buyers were told with what the stores hold."""
        seconds = [one.seconds for one in self.bought]
        return Row(
            what=self.crowd.what,
            done=len(self.bought),
            outcome=_counted(self.bought),
            violations=(*_wrong(self.crowd, self.bought), *kept_wrong(self)),
            seconds=self.seconds,
            figures={**table.latencies(seconds), table.SETTLED: round(max(seconds, default=0.0), 1)},
        )


def compete(base: str, crowd: Crowd) -> Wave:
    """Let the crowd buy. Carts and quotes are made first, so that all submit at the same time."""
    with Keeper(base) as keeper:
        goods = keeper.on_sale(crowd.skus, stock=crowd.buyers if crowd.voucher else crowd.units)
        voucher = keeper.voucher(uses=crowd.units) if crowd.voucher else ""
    began = time.monotonic()
    with Crew(base, crowd.at_once) as crew:
        ready = crew.each(range(crowd.buyers), lambda client, number: _ready(client, _turned(goods, number), voucher))
        bought = crew.each(ready, lambda client, one: _buy(client, *one))
    return Wave(crowd=crowd, goods=goods, voucher=voucher, bought=bought, seconds=time.monotonic() - began)


def deliver_again(base: str, wave: Wave) -> Row:
    """Put more on the shelves, then deliver every submission again: nothing that was decided is decided otherwise."""
    began = time.monotonic()
    with Keeper(base) as keeper:
        for one in wave.goods:
            keeper.receive(one, MORE)
    told = [one.cart for one in wave.bought]
    delivered = redelivery.deliver_again(told)
    return Row(
        what=f"the same {len(told)} submissions, delivered again with {MORE} more units there",
        done=delivered,
        outcome="nothing new" if not (faults := tuple(kept_wrong(wave))) else "decided anew",
        violations=(*faults, *([] if delivered == len(told) else [f"{delivered} were delivered again"])),
        seconds=time.monotonic() - began,
    )


def _turned(goods: Sequence[Goods], number: int) -> Sequence[Goods]:
    """Return the goods in an order of the buyer's own: every second one the other way round, each begins elsewhere."""
    start = number // 2 % len(goods)
    turned = [*goods[start:], *goods[:start]]
    return turned[::-1] if number % 2 else turned


def _ready(client: Client, goods: Sequence[Goods], voucher: str) -> tuple[Buyer, dict[str, Any]]:
    buyer = Buyer(client)
    buyer.open()
    for one in goods:
        buyer.add(one)
    return buyer, buyer.quote(voucher)


def _buy(client: Client, buyer: Buyer, quote: dict[str, Any]) -> Bought:
    here, began = buyer.on(client), time.monotonic()
    outcome = here.outcome(here.submit(quote))
    return Bought(buyer.cart, outcome, time.monotonic() - began)


def _counted(bought: Sequence[Bought]) -> str:
    found = Counter(" ".join([one.outcome.status, *sorted(set(one.outcome.reasons))]) for one in bought)
    return ", ".join(f"{count} {what}" for what, count in sorted(found.items()))


def _wrong(crowd: Crowd, bought: Sequence[Bought]) -> Iterator[str]:
    """Tell what buyers were told and should not have been."""
    placed = sum(one.outcome.status == PLACED for one in bought)
    if placed != crowd.lucky:
        yield f"{placed} were told that their order is placed, of {crowd.few}"
    why = USED_UP if crowd.voucher else SHORT
    for one in bought:
        told = one.outcome
        if told.status != PLACED and not (told.status == REJECTED and why in told.reasons):
            yield f"cart {one.cart} became {told.status} {', '.join(told.reasons)}"


def kept_wrong(wave: Wave) -> Iterator[str]:
    """Tell what the stores hold and should not."""
    yield from stores.faults_of_carts({one.cart: one.outcome.status for one in wave.bought})
    shelves = stores.shelves([one.sku for one in wave.goods])
    if len(shelves) != len(wave.goods):
        yield f"{len(shelves)} rows of stock for {len(wave.goods)} SKUs"
    for shelf in shelves:
        yield from shelf.faults()
        if shelf.sold != wave.crowd.lucky:
            yield f"{shelf.sku}: {shelf.sold} sold, of {wave.crowd.few}"
    if wave.voucher:
        yield from stores.faults_of_voucher(wave.voucher, uses=wave.crowd.lucky)


@click.command("buyers")
@table.base
@click.option("--buyers", type=click.IntRange(1, 2000), default=200, show_default=True, help="How many come.")
@click.option("--units", type=click.IntRange(1, 2000), default=20, show_default=True, help="How much there is.")
@click.option("--at-once", type=click.IntRange(1, 64), default=32, show_default=True, help="How many at the same time.")
@click.option("--skus", type=click.IntRange(2, 50), default=10, show_default=True, help="SKUs a cart, where several.")
@table.as_json
def command(*, base: str, buyers: int, units: int, at_once: int, skus: int, as_json: bool) -> None:
    """Let many buyers compete for few units.

    First of one SKU, after which every submission is delivered again (on `souk serve`); then of several SKUs that each buyer takes in
    another order; then for the uses of a voucher.
    """
    crowd = Crowd(buyers=buyers, units=units, at_once=at_once)
    wave = compete(base, crowd)
    rows = [wave.row(), *([deliver_again(base, wave)] if redelivery.possible() else [])]
    others = (msgspec.structs.replace(crowd, skus=skus), msgspec.structs.replace(crowd, voucher=True))
    table.tell([*rows, *(compete(base, other).row() for other in others)], as_json=as_json)
