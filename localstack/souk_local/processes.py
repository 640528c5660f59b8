"""Processes that outlive the command that started them, known by pid and start time so that no other is ever touched."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from souk_local import proc
from souk_local.errors import StackError
from souk_local.patience import keep_looking

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from souk_local.layout import Layout

MARK = "SOUK_STACK_PROCESS"
PATIENCE = 20.0
SHORT_PATIENCE = 2.0
LARGE_LOG = 20 * 1024**2
GLANCE = 0.05


class Program(Struct, frozen=True, kw_only=True):
    """One process to run: what to execute, as whom and where."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = {}
    cwd: Path | None = None
    user: str | None = None
    """Whom to become when we are root."""
    stop_signal: int = signal.SIGTERM
    ports: tuple[str, ...] = ()


class Record(Struct, frozen=True, kw_only=True):
    """A process that we started: a pid can be reused, a pid with its start time can't."""

    pid: int
    started: int
    stop_signal: int = signal.SIGTERM


def launch(program: Program, layout: Layout) -> Record:
    """Start a program in a session of its own, writing to its log, and remember it."""
    put_away(layout.log(program.name))
    log = os.open(layout.log(program.name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        pid = spawn(program, environment(program, layout), log)
    except OSError as error:
        raise StackError(f"{program.name} can't be started: {program.argv[0]}: {error.strerror}") from error
    finally:
        os.close(log)
    record = Record(pid=pid, started=proc.started(pid) or 0, stop_signal=program.stop_signal)
    remember(layout, program.name, record)
    return record


def put_away(log: Path) -> None:
    """Begin a new log when the old one has grown large; one old one is kept."""
    if log.exists() and log.stat().st_size > LARGE_LOG:
        log.replace(log.with_suffix(".log.1"))


def spawn(program: Program, env: Mapping[str, str], log: int) -> int:
    """Start a program as its user, detached from us, and return its process id."""
    argv = [*become(program.user), *program.argv]
    if program.cwd is not None:
        argv = ["/usr/bin/env", f"--chdir={program.cwd}", *argv]
    nothing = os.open(os.devnull, os.O_RDONLY)
    streams = [(os.POSIX_SPAWN_DUP2, nothing, 0), (os.POSIX_SPAWN_DUP2, log, 1), (os.POSIX_SPAWN_DUP2, log, 2)]
    try:
        return os.posix_spawnp(argv[0], argv, dict(env), file_actions=streams, setsid=True)
    finally:
        os.close(nothing)


def become(user: str | None) -> list[str]:
    """Return the words in front of a command that run it as a user; none unless we are root."""
    if user is None or os.geteuid() != 0:
        return []
    return ["/usr/bin/setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups", "--"]


def environment(program: Program, layout: Layout) -> dict[str, str]:
    """Return a small environment that doesn't depend on who called, marked as this stack's."""
    path = os.environ.get("PATH", "/usr/bin:/bin")
    base = {"PATH": f"{path}:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": str(layout.state)}
    return {**base, **program.env, MARK: mark(layout, program.name)}


def mark(layout: Layout, name: str) -> str:
    """Return what the environment of a program, and of all it starts, says whose it is."""
    return f"{layout.state}:{name}"


def record_of(layout: Layout, name: str) -> Record | None:
    """Answer the running process of that name; a record whose process is gone counts for nothing."""
    record = recorded(layout, name)
    return record if record and is_alive(record) else None


def recorded(layout: Layout, name: str) -> Record | None:
    """Answer the record of that name, whether its process runs or not; one that was cut off is none."""
    try:
        return msgspec.json.decode(record_path(layout, name).read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def is_alive(record: Record) -> bool:
    """Tell whether this very process still runs."""
    proc.reap(record.pid)
    return record.started != 0 and proc.started(record.pid) == record.started


def remember(layout: Layout, name: str, record: Record) -> None:
    """Write the record of a process, as a whole or not at all."""
    path = record_path(layout, name)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_bytes(msgspec.json.encode(record))
    draft.replace(path)


def record_path(layout: Layout, name: str) -> Path:
    """Return where the record of that name is kept."""
    return layout.records / f"{name}.json"


def stop(layout: Layout, name: str, *, patience: float = PATIENCE) -> None:
    """Ask a process to end, insist after `patience` seconds, and end whatever it left behind."""
    family, main = relatives(layout, name), recorded(layout, name)
    end([main] if main else [], main.stop_signal if main else signal.SIGTERM, patience)
    end([*family, *relatives(layout, name)], signal.SIGTERM, SHORT_PATIENCE)
    record_path(layout, name).unlink(missing_ok=True)


def clear(layout: Layout, name: str) -> None:
    """End what a killed program left behind, before it is started anew; orphans keep its ports and files.

    Waits until the system has let go of it: PostgreSQL takes a dead one whose parent hasn't noticed for a running one.
    """
    main = recorded(layout, name)
    stop(layout, name)
    if main:
        keep_looking(lambda: proc.started(main.pid, dead_too=True) != main.started, within=PATIENCE, pause=GLANCE)


def end(whom: Sequence[Record], with_signal: int, patience: float) -> None:
    """Ask processes to end and insist when their time is up."""
    tell(whom, with_signal)
    if not gone(whom, patience):
        tell(whom, signal.SIGKILL)
        gone(whom, patience)


def relatives(layout: Layout, name: str) -> list[Record]:
    """Return the process, all its descendants, and orphans that still carry its mark or are of its session."""
    record = record_of(layout, name)
    tree = proc.descendants(record.pid) if record else []
    marked = proc.with_environment(MARK, mark(layout, name))
    found = {*tree, *marked, *session(layout, name)}
    return [Record(pid=pid, started=born) for pid in found if (born := proc.started(pid))]


def session(layout: Layout, name: str) -> list[int]:
    """Return what is left of the session that the process began: nginx blots out the environment it was started with.

    A pid is given out again only when its session is gone, so that the session of another's process is not ours.
    """
    main = recorded(layout, name)
    if main is None or proc.started(main.pid, dead_too=True) not in {None, main.started}:
        return []
    return proc.session(main.pid)


def tell(whom: Iterable[Record], what: int) -> None:
    """Send a signal to each of these processes that is still the one we mean."""
    for record in whom:
        if is_alive(record):
            try:
                os.kill(record.pid, what)
            except ProcessLookupError:
                continue


def gone(whom: Sequence[Record], patience: float) -> bool:
    """Wait until none of these runs."""
    return keep_looking(lambda: not any(is_alive(record) for record in whom), within=patience, pause=GLANCE)
