"""`python -m bench.browsing`: how fast shoppers can look around, without buying."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Sequence
from urllib.parse import quote

import click
from msgspec.structs import replace

from bench import table
from bench.load import Act, Load
from bench.table import Row
from bench.wire import CannotGoOn, Client

PAGES = 5  # of a hundred products each, from which is chosen what is looked at
SEED = 4  # the same addresses in every run
MIXED = 400
BUSY = 503  # a store that does not answer in time: not what is wanted, and no wrong answer
SORTS = ("newest", "price", "-price", "title", "best-selling")


def collected(base: str) -> list[dict[str, str]]:
    """Return products on sale, as the shop lists them. Raises CannotGoOn where there is nothing to look at."""
    found: list[dict[str, str]] = []
    with Client(base) as client:
        where = "/product/listing?limit=100"
        for _ in range(PAGES):
            reply = client.ask("GET", where)
            if reply.status != 200:
                raise CannotGoOn(f"GET {where} answered {reply.status}")
            found += reply.body["items"]
            if not reply.body["next"]:
                break
            where = f"/product/listing?limit=100&cursor={quote(reply.body['next'])}"
    if not found:
        raise CannotGoOn("nothing is on sale; `souk seed` loads a sample")
    return found


def addresses(products: Sequence[dict[str, str]]) -> dict[str, list[str]]:
    """Return, by what is measured, the addresses that are asked in turn."""
    choice = random.Random(SEED)  # noqa: S311 - no secret
    some = [choice.choice(products) for _ in range(MIXED)]
    words = [choice.choice(one["title"].split()) for one in some]
    return {
        "product list": [f"/product/listing?sort={choice.choice(SORTS)}" for _ in some],
        "product detail": [f"/product/listing/{one['id']}" for one in some],
        "search with facets": [f"/product/search?q={quote(word)}" for word in words],
        "suggestions": [f"/product/suggestions?q={quote(word[:4])}" for word in words],
        "recommendations": [f"/product/recommendations?product={one['id']}" for one in some],
    }


def looking(load: Load, what: str, where: Sequence[str]) -> Row:
    """Ask for the addresses in turn, each client beginning elsewhere; only answers 200 count."""
    starts = itertools.count(step=len(where) // load.clients or 1)
    statuses: Counter[int] = Counter()

    def ready(client: Client) -> Act:
        first = next(starts)

        def look(turn: int) -> float | None:
            reply = client.ask("GET", where[(first + turn) % len(where)])
            statuses[reply.status] += 1
            return reply.seconds if reply.status == 200 else None

        return look

    row = load.measure(what, ready)
    others = {status: count for status, count in statuses.items() if status != 200}
    told = "".join(f", {count} times {status}" for status, count in sorted(others.items()))
    wrong = tuple(f"{count} times {status}" for status, count in others.items() if status != BUSY)
    return replace(row, outcome=row.outcome + told, violations=wrong)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@table.base
@click.option("--clients", type=click.IntRange(1, 64), default=8, show_default=True, help="How many at once.")
@click.option("--seconds", type=click.FloatRange(1, 60), default=8, show_default=True, help="How long each part takes.")
@table.as_json
def browsing(*, base: str, clients: int, seconds: float, as_json: bool) -> None:
    """Measure listing, product pages, search with facets, suggestions and recommendations, on what is on sale."""
    load = Load(base=base, clients=clients, seconds=seconds)
    asked = addresses(collected(base))
    table.tell([looking(load, what, where) for what, where in asked.items()], as_json=as_json)


if __name__ == "__main__":
    table.run(browsing, "bench.browsing")
