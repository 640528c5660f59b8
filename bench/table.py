"""What a run found: a table for people or JSON, and an exit code that says whether anything was violated."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from bench.wire import Elsewhere, place_of

VIOLATED = 1
SETTLED = "settled after s"  # the figure that tells in how many seconds everything was decided, or well again


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario: how much was done, what came out, what should not have been, how long it took."""

    what: str
    done: int
    outcome: str
    violations: tuple[str, ...] = ()
    seconds: float
    figures: Mapping[str, float] = {}
    """By name and unit, such as `p50 ms` or `per second`."""


def many(number: int, what: str) -> str:
    """Return how many of something there are, in words."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def latencies(seconds: Sequence[float]) -> dict[str, float]:
    """Return the middle and the slow end of some times, in milliseconds."""
    return {"p50 ms": percentile(seconds, 50), "p95 ms": percentile(seconds, 95)}


def percentile(seconds: Sequence[float], percent: int) -> float:
    """Return the time within which so many percent were done, in milliseconds."""
    ranked = sorted(seconds)
    return round(1000 * ranked[min(len(ranked) - 1, len(ranked) * percent // 100)], 2) if ranked else 0.0


def tell(rows: Sequence[Row], *, as_json: bool) -> None:
    """Show the rows, and end with an exit code other than zero when anything was violated."""
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(rows)).decode())
    else:
        _show(rows)
    if any(row.violations for row in rows):
        sys.exit(VIOLATED)


def _show(rows: Sequence[Row]) -> None:
    table = Table(box=box.SIMPLE_HEAD)
    for title in ("", "done", "outcome", "violations", "seconds", "figures"):
        table.add_column(title, justify="right" if title in {"done", "violations", "seconds"} else "left")
    for row in rows:
        figures = ", ".join(f"{name} {value:,.6g}" for name, value in row.figures.items())
        violations = str(len(row.violations))
        table.add_row(row.what, f"{row.done:,}", row.outcome, violations, f"{row.seconds:.1f}", figures)
    Console(width=None if sys.stdout.isatty() else 160).print(table)
    for row in rows:
        for violation in row.violations:
            click.echo(f"VIOLATED in {row.what}: {violation}")


class Here(click.ParamType[str]):
    """A base URL on this machine."""

    name = "url"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Refuse every address but loopback ones."""
        try:
            place_of(value)
        except (Elsewhere, ValueError) as error:
            self.fail(str(error), param, ctx)
        return str(value).rstrip("/")


def served() -> str:
    """Return where this checkout's `souk serve` answers."""
    from souk_local import layout

    return f"http://{layout.LOOPBACK}:{layout.find().port('serve')}"


base = click.option("--base", type=Here(), default=served, show_default="souk serve", help="Which deployment to ask.")
as_json = click.option("--json", "as_json", is_flag=True, help="JSON instead of a table.")


def run(program: click.Group | click.Command, name: str) -> None:
    """Run a command line; an expected error is one clear line."""
    from souk_cli.main import expected, told

    try:
        program(prog_name=f"python -m {name}")
    except Exception as error:
        if not expected(error):
            raise
        click.echo(f"{name}: {told(error)}", err=True)
        sys.exit(2)
