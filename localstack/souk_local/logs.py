"""Reading the logs of several processes at once."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

GLANCE = 0.3


def last_of(log: Path, lines: int) -> list[str]:
    """Return the last lines of a file; none when there is no file."""
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=lines)]
    except FileNotFoundError:
        return []


def follow_files(files: Mapping[str, Path], *, lines: int, follow: bool) -> Iterator[str]:
    """Return the last lines of each file with its name in front, then, with `follow`, whatever is added to any."""
    width = max((len(name) for name in files), default=0)
    seen = {name: log.stat().st_size if log.exists() else 0 for name, log in files.items()}
    for name, log in files.items():
        yield from (f"{name:<{width}}  {line}" for line in last_of(log, lines))
    while follow:
        time.sleep(GLANCE)
        for name, log in files.items():
            seen[name], added = added_to(log, seen[name])
            yield from (f"{name:<{width}}  {line}" for line in added)


def added_to(log: Path, known: int) -> tuple[int, list[str]]:
    """How far a file goes now, and the whole lines behind what is known of it."""
    size = log.stat().st_size if log.exists() else 0
    if size <= known:
        return size, []
    with log.open("rb") as file:
        file.seek(known)
        piece, _, rest = file.read(size - known).rpartition(b"\n")
    return size - len(rest), piece.decode(errors="replace").splitlines()
