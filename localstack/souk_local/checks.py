"""What a machine must offer before anything is started on it."""

from __future__ import annotations

import os
import shutil
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from souk_local import proc
from souk_local.errors import StackError

if TYPE_CHECKING:
    from collections.abc import Mapping

GIB = 1024**3
DISK = 3 * GIB
MEMORY = 3 * GIB
PYTHON = (3, 11)


def machine(state: Path) -> None:
    """Refuse an unsupported Python, and too little disk or memory, before hours are lost."""
    python(sys.version_info[:2])
    passable(state)
    disk(state, shutil.disk_usage(state).free)
    memory(available_memory())


def passable(state: Path) -> None:
    """Refuse, as root, a place that database users can't get to: servers that don't run as root would find nothing."""
    closed = [folder for folder in (state, *state.parents) if not folder.stat().st_mode & stat.S_IXOTH]
    if closed and is_root():
        raise StackError(f"database users can't enter {closed[-1]}; choose a place for the stack with SOUK_HOME")


def python(version: tuple[int, ...]) -> None:
    """Refuse another Python than the one Lambda runs our functions on."""
    if version != PYTHON:
        found = ".".join(map(str, version))
        raise StackError(f"Souk runs on Python 3.11, as its Lambda functions do; this is Python {found}")


def disk(state: Path, free: int) -> None:
    """Refuse a nearly full disk."""
    if free < DISK:
        raise StackError(f"too little disk: {free / GIB:.1f} GiB free at {state}, the stack needs {DISK // GIB} GiB")


def memory(available: int) -> None:
    """Refuse a machine whose memory others have taken."""
    if available < MEMORY:
        raise StackError(f"too little memory: {available / GIB:.1f} GiB available, the stack needs {MEMORY // GIB} GiB")


def available_memory() -> int:
    """Bytes that programs can still get without swapping."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    sizes = dict(line.split(":", 1) for line in lines)
    return int(sizes["MemAvailable"].split()[0]) * 1024


def ports(wanted: Mapping[str, int]) -> None:
    """Refuse a port that somebody listens on, and say who."""
    taken = [told for name, port in wanted.items() if (told := by_whom(name, port))]
    if taken:
        raise StackError("; ".join(taken) + "; end it or choose other ports with SOUK_PORT_BASE")


def by_whom(name: str, port: int) -> str | None:
    """Tell who listens on a port; None when nobody does."""
    inode = proc.listener(port)
    if inode is None:
        return None
    pid = proc.owner_of(inode)
    whom = f"process {pid} ({proc.command(pid)})" if pid else "another user's process"
    return f"port {port} for {name} is taken by {whom}"


def is_root() -> bool:
    """Tell whether we may install packages and become other users."""
    return os.geteuid() == 0
