"""How heavy it is: each function's import as a process of its own, zips, layers, memory; `python -m bench.figures`.

It looks at what `souk deploy` built last, with the Python and the packages that functions have on the local stack.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import click
import msgspec
from msgspec import Struct
from rich import box
from rich.console import Console
from rich.table import Table

import souk_local
from souk.stages import LOCAL
from souk_cli import apps, packaging
from souk_local import install, layout, status
from souk_local.errors import StackError
from souk_local.services import SERVICES

RUNS = 9
IMPORT = "import json, time; a, b = time.perf_counter(), time.process_time(); import app; print(json.dumps([time.perf_counter() - a, time.process_time() - b]))"
SETTINGS = {"SOUK_STAGE": LOCAL, "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}


class Weight(Struct, frozen=True, kw_only=True):
    """One function's: milliseconds of importing it (by the clock, and of the processor alone), bytes of its zip."""

    service: str
    import_ms: float
    import_cpu_ms: float
    zip_bytes: int
    layers: tuple[str, ...]


class Figures(Struct, frozen=True, kw_only=True):
    """All of it; sizes in bytes."""

    functions: list[Weight]
    layers: Mapping[str, int]
    memory: Mapping[str, int]


def newest(folder: Path, beginning: str) -> Path:
    """Return the newest zip whose name begins so. Raises StackError where none was built."""
    found = sorted(folder.glob(f"{beginning}*.zip"), key=lambda one: one.stat().st_mtime)
    if not found:
        raise StackError("nothing is built yet; `souk deploy` builds it")
    return found[-1]


def layer(name: str) -> Path:
    """Return the zip of a layer."""
    return newest(layout.find().state / "build" / "layers", f"{name}-")


def weigh(service: str) -> Weight:
    """Unpack a function as it lies on Lambda and import it again and again, each time in a new process."""
    code, layers = newest(apps.folder(service) / ".chalice" / "deployments", ""), packaging.template(service).layers
    python = install.venv(layout.find(), "lambda-runtime") / "bin" / "python"
    with tempfile.TemporaryDirectory() as place:
        for archive in (code, *map(layer, layers)):
            with zipfile.ZipFile(archive) as opened:
                opened.extractall(place)
        paths = os.pathsep.join([place, f"{place}/python"])
        times = [_import(python, {**SETTINGS, "PYTHONPATH": paths}, place) for _ in range(RUNS)]
    wall, busy = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
    return Weight(
        service=service,
        import_ms=round(wall, 1),
        import_cpu_ms=round(busy, 1),
        zip_bytes=code.stat().st_size,
        layers=tuple(layers),
    )


def _import(python: Path, environment: Mapping[str, str], place: str) -> tuple[float, float]:
    run = subprocess.run(
        [python, "-c", IMPORT], cwd=place, env=dict(environment), text=True, capture_output=True, check=True
    )
    wall, busy = json.loads(run.stdout)
    return wall, busy


def figures() -> Figures:
    """Measure all of it."""
    known = sorted({name for service in SERVICES for name in packaging.template(service).layers})
    return Figures(
        functions=[weigh(service) for service in SERVICES],
        layers={name: layer(name).stat().st_size for name in known},
        memory={part.name: part.memory for part in status.of(souk_local.here()).parts},
    )


def show(found: Figures) -> None:
    """Print it as tables."""
    console = Console(width=120)
    weights = Table("function", "import ms", "of the processor", "zip KB", "layers", box=box.SIMPLE)
    for one in found.functions:
        size = f"{one.zip_bytes / 1e3:.0f}"
        weights.add_row(one.service, f"{one.import_ms}", f"{one.import_cpu_ms}", size, " ".join(one.layers))
    console.print(weights)
    console.print("layers: " + ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in found.layers.items()))
    memory = ", ".join(f"{name} {size >> 20}" for name, size in found.memory.items() if size)
    console.print(f"memory: {sum(found.memory.values()) >> 20} MiB ({memory})")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def main(*, as_json: bool) -> None:
    """Tell how heavy the functions and the stack are, as `souk deploy` left them (the median of nine imports each)."""
    try:
        found = figures()
    except StackError as error:
        sys.exit(f"figures: {error}")
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    show(found)


if __name__ == "__main__":
    main()
