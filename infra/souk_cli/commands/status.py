"""`souk status`: how every part of the local stack is doing."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import click
import msgspec
from msgspec import Struct

import souk_local
from souk_local import status
from souk_local.status import Function, Part, Status

WIDTH = 60
OUTBOX_HEADS = ("outbox", "state", "unsent", "oldest", "sent")
CONSUMER_HEADS = ("consumer", "in RabbitMQ", "dead", "in the bridge", "forwarded", "parked")
COLOURS: Mapping[str, str] = {"up": "green", "ailing": "yellow", "down": "red"}


class Outbox(Struct, frozen=True, kw_only=True):
    """What the bridge says of one outbox."""

    state: str
    unsent: int
    oldest_seconds: float
    sent: int

    def cells(self) -> tuple[str, ...]:
        """Return it as cells of a table."""
        return (self.state, str(self.unsent), f"{self.oldest_seconds:.1f} s", str(self.sent))


class Consumer(Struct, frozen=True, kw_only=True):
    """What the bridge says of one consumer."""

    queue: int | None
    dead: int | None
    unacked: int
    forwarded: int
    parked: int

    def cells(self) -> tuple[str, ...]:
        """Return it as cells of a table; what RabbitMQ didn't tell is a question mark."""
        waiting, dead = ("?" if count is None else str(count) for count in (self.queue, self.dead))
        return (waiting, dead, str(self.unacked), str(self.forwarded), str(self.parked))


class Latency(Struct, frozen=True, kw_only=True):
    """How long events took from the commit to the consumer's effect."""

    count: int = 0
    p50_ms: float = 0.0
    p95_ms: float = 0.0


class Bridge(Struct, frozen=True, kw_only=True):
    """What the bridge says, as far as it is shown here."""

    sources: dict[str, Outbox] = {}
    consumers: dict[str, Consumer] = {}
    latency: Latency = Latency()


@click.command("status")
@click.option("--json", "as_json", is_flag=True, help="As a JSON object.")
def command(*, as_json: bool) -> None:
    """Show each store, function and the bridge: what runs, where, how big it is and whether it is well."""
    seen = status.of(souk_local.here())
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(seen)).decode())
        return
    show(seen)


def show(seen: Status) -> None:
    """Print it as tables."""
    table(
        ("part", "engine", "version", "runs as", "port", "health", "memory", "data"), [row(part) for part in seen.parts]
    )
    memory = sum(part.memory for part in seen.parts)
    click.echo(f"memory in all: {size(memory)}")
    if seen.functions:
        click.echo()
        table(("function", "deployed", "invocations", "errors", "last error"), [numbers(one) for one in seen.functions])
    if (bridge := of_bridge(seen.bridge)) is not None:
        click.echo()
        show_bridge(bridge)


def of_bridge(said: object) -> Bridge | None:
    """Return what the bridge said as far as it is shown here; None when it didn't answer."""
    try:
        return msgspec.convert(said, Bridge)
    except msgspec.ValidationError:
        return None


def show_bridge(bridge: Bridge) -> None:
    """Print the bridge's sources, its consumers and how long events take."""
    table(OUTBOX_HEADS, [(name, *source.cells()) for name, source in bridge.sources.items()])
    click.echo()
    table(CONSUMER_HEADS, [(name, *consumer.cells()) for name, consumer in bridge.consumers.items()])
    lag = max((source.oldest_seconds for source in bridge.sources.values()), default=0.0)
    times = bridge.latency
    effect = (
        f"p50 {times.p50_ms:.0f} ms, p95 {times.p95_ms:.0f} ms of {times.count}" if times.count else "none measured yet"
    )
    click.echo(f"\nbridge: lag {lag:.1f} s; from commit to effect: {effect}")


def row(part: Part) -> tuple[str, ...]:
    """One part as cells."""
    others = f" +{len(part.where) - 1}" if len(part.where) > 1 else ""
    where = part.where[0] + others if part.where else "-"
    health = f"{part.health} ({brief(part.reason)})" if part.reason else part.health
    sizes = (size(part.memory), size(part.data))
    return (part.name, part.engine, part.version or "-", where, str(part.port), health, *sizes)


def brief(reason: str) -> str:
    """Return the first line of a reason, cut to fit a table."""
    return textwrap.shorten(reason.partition("\n")[0], WIDTH, placeholder="...")


def numbers(one: Function) -> tuple[str, ...]:
    """One function as cells."""
    return (one.name, one.deployed_at or "-", str(one.invocations), str(one.errors), brief(one.last_error or ""))


def size(count: int) -> str:
    """Bytes as people read them."""
    unit, divisor = ("MiB", 1024**2) if count >= 1024**2 else ("KiB", 1024)
    return f"{count / divisor:.0f} {unit}" if count else "-"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their heads, as wide as they need to be."""
    widths = [max(len(cell) for cell in column) for column in zip(heads, *rows, strict=True)]
    for cells in (heads, *rows):
        line = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True)).rstrip()
        click.echo(coloured(line, cells))


def coloured(line: str, cells: Sequence[str]) -> str:
    """Return a line with its state in colour, where a terminal shows it."""
    for state, colour in COLOURS.items():
        if any(cell == state or cell.startswith(f"{state} (") for cell in cells):
            return line.replace(f" {state}", " " + click.style(state, fg=colour), 1)
    return line
