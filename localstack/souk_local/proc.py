"""What /proc tells about processes and listening sockets."""

from __future__ import annotations

import os
import textwrap
from contextlib import suppress
from pathlib import Path

PROC = Path("/proc")
LISTENING = "0A"
DEAD = ("Z", "X")
WIDTH = 60
STATE, PARENT, SESSION, STARTED = 0, 1, 3, 19  # fields of /proc/PID/stat counted behind the command's name


def stat(pid: int) -> list[str]:
    """Read the fields of /proc/PID/stat behind the command; none when there is no such process."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return text.rpartition(")")[2].split()


def started(pid: int, *, dead_too: bool = False) -> int | None:
    """Tell when the kernel started it, in clock ticks since boot; not of one that only waits to be noticed as dead."""
    fields = stat(pid)
    if not fields or (fields[STATE] in DEAD and not dead_too):
        return None
    return int(fields[STARTED])


def reap(pid: int) -> None:
    """Let go of an ended child of ours; does nothing for anybody else's."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def pids() -> list[int]:
    """Return every process id of this machine."""
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]


def descendants(pid: int) -> list[int]:
    """Return a process and everything that came from it, parents first."""
    parents = {child: int(fields[PARENT]) for child in pids() if (fields := stat(child))}
    family = [pid]
    for member in family:  # grows while it is walked
        family += [child for child, parent in parents.items() if parent == member]
    return family


def session(leader: int) -> list[int]:
    """Return the processes of the session that a process began, also those that outlived it."""
    return [pid for pid in pids() if (fields := stat(pid)) and int(fields[SESSION]) == leader]


def with_environment(name: str, value: str) -> list[int]:
    """Return the processes that were started with this variable in their environment."""
    wanted = f"{name}={value}".encode()
    return [pid for pid in pids() if wanted in environment(pid).split(b"\0")]


def environment(pid: int) -> bytes:
    """Return what a process was started with; nothing when we may not see it."""
    try:
        return (PROC / str(pid) / "environ").read_bytes()
    except OSError:  # ended meanwhile, or somebody else's
        return b""


def memory(pid: int) -> int:
    """Resident bytes of one process; a share of what it shares, where the kernel tells."""
    for file, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        with suppress(OSError):
            for line in (PROC / str(pid) / file).read_text().splitlines():
                if line.startswith(key):
                    return int(line.split()[1]) * 1024
    return 0


def command(pid: int) -> str:
    """Return the command line, shortened for a message."""
    with suppress(OSError):
        words = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return textwrap.shorten(words, WIDTH, placeholder="...")
    return ""


def listener(port: int) -> int | None:
    """Return the inode of the socket listening on a TCP port of this machine."""
    for table in ("tcp", "tcp6"):
        with suppress(FileNotFoundError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                    return int(fields[9])
    return None


def owner_of(inode: int) -> int | None:
    """Return the process that holds a socket; None where we may not see it."""
    wanted = f"socket:[{inode}]"
    for pid in pids():
        with suppress(OSError):
            if any(link.readlink().name == wanted for link in (PROC / str(pid) / "fd").iterdir()):
                return pid
    return None
