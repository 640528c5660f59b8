"""`souk logs`: what the parts of the local stack wrote."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from queue import SimpleQueue
from threading import Thread

import click

import souk_local
from souk_local.engine import Engine


@click.command("logs")
@click.argument("parts", nargs=-1)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is added.")
@click.option("-n", "--lines", default=20, show_default=True, help="How many of the last lines of each.")
def command(parts: tuple[str, ...], lines: int, *, follow: bool) -> None:
    """Show the last lines of each part's log, or only of PARTS."""
    stack = souk_local.here()
    by_engine: dict[Engine, list[str]] = {}
    for name in stack.parts(parts):
        by_engine.setdefault(stack.engine_of(name), []).append(name)
    sources = [engine.logs(names, lines=lines, follow=follow) for engine, names in by_engine.items()]
    try:
        for line in together(sources):
            click.echo(line)
    except KeyboardInterrupt:
        return


def together(sources: Sequence[Iterator[str]]) -> Iterator[str]:
    """Merge the lines of several sources as they come; one alone needs no thread."""
    if len(sources) == 1:
        yield from sources[0]
        return
    lines: SimpleQueue[str | None] = SimpleQueue()
    for source in sources:
        Thread(target=pour, args=(source, lines), daemon=True).start()
    for _ in sources:
        yield from iter(lines.get, None)


def pour(source: Iterator[str], into: SimpleQueue[str | None]) -> None:
    """Hand on every line and say when there are no more."""
    for line in source:
        into.put(line)
    into.put(None)
