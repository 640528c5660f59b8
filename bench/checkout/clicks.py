"""One cart, submitted fifty times at once: one order, and fifty times the same answer."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Barrier
from typing import Any

import click
import msgspec

from bench import table
from bench.checkout import stores
from bench.checkout.shop import Buyer, Goods, Ticket, on_sale
from bench.crew import Crew
from bench.table import Row
from bench.wire import Client, Reply
from souk.ids import new_id

UNITS = 3  # of which one is bought, so that a second order would find stock
HURRY = 30.0  # seconds within which all have to be ready to click
KEYS: Mapping[str, Callable[[], Callable[[], str]]] = {
    "one key": lambda: new_id().__str__,
    "a key each": lambda: new_id,
    "no key": lambda: str,
}
"""By name: makes, for one cart, what gives each click its Idempotency-Key."""


class Click(msgspec.Struct, frozen=True):
    """An answer to a click, and the ticket in it, if it is one."""

    status: int
    ticket: Ticket | None
    seconds: float

    @classmethod
    def of(cls, reply: Reply) -> Click:
        """Read an answer."""
        ticket = msgspec.json.decode(reply.raw, type=Ticket) if reply.status == 202 else None
        return cls(reply.status, ticket, reply.seconds)


def submit_often(base: str, goods: Goods, name: str, clicks: int) -> Row:
    """Submit one cart so many times at once, then read the stores."""
    began = time.monotonic()
    with Client(base) as client:
        buyer = Buyer(client)
        buyer.open()
        buyer.add(goods)
        quote, clicking = buyer.quote(), time.monotonic()
        clicked = _click(base, buyer, quote, KEYS[name](), clicks)
        tickets = {click.ticket for click in clicked if click.ticket}
        outcomes = [buyer.outcome(ticket).status for ticket in tickets]
        settled = time.monotonic() - clicking
    counted = Counter(click.status for click in clicked)
    answers = ", ".join(f"{count} times {status}" for status, count in sorted(counted.items()))
    return Row(
        what=f"one cart, {clicks} submissions, {name}",
        done=len(clicked),
        outcome=f"{answers}, {len(tickets)} order {' '.join(outcomes)}",
        violations=(*_answered_wrong(clicked, outcomes), *_kept_wrong(buyer, outcomes)),
        seconds=time.monotonic() - began,
        figures={**table.latencies([click.seconds for click in clicked]), table.SETTLED: round(settled, 1)},
    )


def _click(base: str, buyer: Buyer, quote: dict[str, Any], key: Callable[[], str], clicks: int) -> list[Click]:
    start = Barrier(clicks)

    def click(client: Client, own: str) -> Click:
        client.ask("GET", "/cart/health")  # so that the connection is there
        start.wait(HURRY)
        return Click.of(buyer.on(client).submitting(quote, key=own))

    with Crew(base, clicks) as crew:
        return crew.each([key() for _ in range(clicks)], click)


def _answered_wrong(clicked: Sequence[Click], outcomes: Sequence[str]) -> Iterator[str]:
    if others := [click.status for click in clicked if click.status != 202]:
        yield f"{len(others)} were answered something else: {dict(Counter(others))}"
    if len({click.ticket for click in clicked}) > 1:
        yield f"{len({click.ticket for click in clicked})} different answers"
    if list(outcomes) != ["placed"]:
        yield f"became {', '.join(outcomes)}"


def _kept_wrong(buyer: Buyer, outcomes: Sequence[str]) -> Iterator[str]:
    yield from stores.faults_of_carts(dict.fromkeys([buyer.cart], *outcomes[:1]))
    orders = stores.orders([buyer.cart])
    if orders != 1:
        yield f"{orders} orders of one cart"


@click.command("clicks")
@table.base
@click.option("--clicks", type=click.IntRange(2, 64), default=50, show_default=True, help="How often, all at once.")
@table.as_json
def command(*, base: str, clicks: int, as_json: bool) -> None:
    """Submit one cart many times at once: with one key, with a key each, and without keys."""
    [goods] = on_sale(base, 1, stock=UNITS * len(KEYS))
    table.tell([submit_often(base, goods, name, clicks) for name in KEYS], as_json=as_json)
