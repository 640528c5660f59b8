"""The whole stack: brings its parts up and down together, and knows which of them can't run here."""

from __future__ import annotations

import fcntl
import shutil
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from souk_local import checks, choosing, programs, ready, site, store
from souk_local.errors import StackError
from souk_local.native import NativeEngine

if TYPE_CHECKING:
    from souk_local.engine import Engine
    from souk_local.site import Site

LAST_LINES = 15
SHORT = 200
USERS = ("bridge", "gateway", "localstack")
"""What uses the stores, in the order of ending."""
Say = Callable[[str, str], None]
"""Tells the user something about a part: its name and what is the case."""
Redeploy = Callable[[Say], Sequence[str]]
"""Deploys what was deployed on a LocalStack that forgot it; returns what failed, and why."""


class Stack:
    """The parts of one checkout's stack, each run by the engine that suits it."""

    def __init__(self, place: Site, chosen: Engine) -> None:
        self.site = place
        self.layout = place.layout
        self.engine = chosen
        self.own = chosen if isinstance(chosen, NativeEngine) else NativeEngine(place)

    def engine_of(self, name: str) -> Engine:
        """Return the chosen engine for the databases; LocalStack and the gateway are always processes."""
        return self.engine if name in store.STORES else self.own

    def note(self, name: str) -> str:
        """Return what a command before this one wrote down under a name; empty when nothing."""
        return read(self.layout.records / name)

    def write_note(self, name: str, text: str) -> None:
        """Write something down for the next command; an empty text forgets it."""
        note = self.layout.records / name
        if text:
            note.write_text(text)
        else:
            note.unlink(missing_ok=True)

    def parts(self, names: Sequence[str] = ()) -> list[str]:
        """Return the parts of these names, or all of them; a LocalStack of the user's own isn't ours to start or end."""
        foreign = {"localstack"} if self.layout.foreign_localstack else set[str]()
        return [name for name in names or store.MODULES if store.named(name) and name not in foreign]

    def well(self, name: str) -> bool:
        """Tell whether a part runs and answers, or has nothing to do; takes milliseconds."""
        if name == "bridge" and not self.layout.deployed.exists():
            return True
        if not self.engine_of(name).alive(name):
            return False
        try:
            store.named(name).glance(self.site)
        except ready.NotReady:
            return False
        return not self.unprovisioned(name)

    def settled(self, names: Sequence[str]) -> bool:
        """Tell whether nothing is to do for these parts; takes milliseconds."""
        pending = "localstack" in names and bool(self.note(programs.PENDING))
        return not pending and all(self.well(name) for name in names)

    def up(self, names: Sequence[str], *, redeploy: Redeploy, say: Say) -> Mapping[str, str]:
        """Bring these parts up, with what was deployed on them, and answer which can't run here, and why."""
        lost = self.start([name for name in names if name != "bridge"], say=say)
        if "localstack" in names and self.note(programs.PENDING):
            programs.deploy_again(self, redeploy, say=say)
        if "bridge" in names and self.layout.deployed.exists():
            self.start(["bridge"], say=say)
        return lost

    def start(self, names: Sequence[str], *, say: Say) -> Mapping[str, str]:
        """Start those of the parts that aren't well, all at once, and answer which can't run here, and why."""
        self.same_ports()
        with alone(self.layout.records / "lock"):
            missing = [name for name in names if not self.well(name)]
            if not missing:
                return {}
            if not self.runs():  # else it fits, as one sees
                checks.machine(self.layout.state)
            self.write_note("engine", self.engine.name)
            self.write_note("base", str(self.layout.base))
            lost = dict(self.prepare(missing, say))
            if "localstack" in missing and not self.engine_of("localstack").alive("localstack"):
                programs.note_fresh_start(self)
            lost |= self.bring_up([name for name in missing if name not in lost], say)
        for name, reason in lost.items():
            say(name, f"down: {textwrap.shorten(reason, SHORT, placeholder='...')}")
        for name in missing:
            self.write_note(f"{name}.lost", lost.get(name, ""))
        return lost

    def runs(self) -> bool:
        """Tell whether any part of it runs."""
        return any(self.engine_of(name).alive(name) for name in store.MODULES)

    def same_ports(self) -> None:
        """Refuse to look for a running stack on other ports than it was started on: nobody would answer there."""
        base = self.note("base")
        if base and base != str(self.layout.base) and self.runs():
            raise StackError(
                f"this stack runs on the ports from {base} on, and SOUK_PORT_BASE says {self.layout.base}; "
                f"type `export SOUK_PORT_BASE={base}`, or `souk down` first"
            )

    def prepare(self, names: Sequence[str], say: Say) -> Mapping[str, str]:
        """Fetch what is missing for these parts; tools may be shared with stacks that are doing the same now."""
        lost: dict[str, str] = {}
        with alone(self.layout.tools / "lock"):
            for one in {self.engine_of(name) for name in names}:
                mine = [name for name in names if self.engine_of(name) is one]
                lost |= one.prepare(mine, say=lambda text: say("", text))
        return lost

    def bring_up(self, names: Sequence[str], say: Say) -> dict[str, str]:
        """Start these parts at the same time; answers the optional ones that failed."""
        with ThreadPoolExecutor(max_workers=max(len(names), 1)) as pool:
            started = {name: pool.submit(self.bring, name, say) for name in names}
            try:
                wait(started.values())
            except KeyboardInterrupt:
                ready.interrupted.set()
                raise
        failed = {name: error for name, done in started.items() if (error := done.exception())}
        for error in failed.values():
            if not isinstance(error, StackError):
                raise error
        hard = [str(error) for name, error in failed.items() if name not in store.OPTIONAL]
        if hard:
            raise StackError("\n".join(hard))
        return {name: str(error) for name, error in failed.items()}

    def bring(self, name: str, say: Say) -> None:
        """Start one part, wait until it answers, and create in it what the services need."""
        part, runs_on = store.named(name), self.engine_of(name)
        say(name, "starting")
        runs_on.start(name)
        ready.wait(
            name,
            lambda: part.probe(self.site),
            alive=lambda: runs_on.alive(name),
            tail=lambda: runs_on.tail(name, LAST_LINES),
            within=part.WITHIN,
        )
        if self.unprovisioned(name):
            part.provision(self.site)
            self.write_note(f"{name}.provisioned", part.fingerprint(self.site))
        say(name, f"up on port {self.site.port(part.PORTS[0])}")

    def unprovisioned(self, name: str) -> bool:
        """Whether databases, roles and the like still have to be created or corrected in a part."""
        wanted = store.named(name).fingerprint(self.site)
        return bool(wanted) and self.note(f"{name}.provisioned") != wanted

    def down(self, names: Sequence[str], *, say: Say) -> None:
        """End these parts: first what uses the stores, one after the other, then the stores, all at once."""
        with alone(self.layout.records / "lock"):
            for name in USERS:
                if name in names:
                    self.end(name, say)
            stores = [name for name in names if name not in USERS]
            with ThreadPoolExecutor(max_workers=max(len(stores), 1)) as pool:
                ended = [pool.submit(self.end, name, say) for name in stores]
            for one in ended:
                one.result()
            if not any(self.engine.alive(name) for name in store.STORES):
                self.write_note("engine", "")

    def end(self, name: str, say: Say) -> None:
        """End one part."""
        runs_on = self.engine_of(name)
        ran = bool(runs_on.look(name).where)
        runs_on.stop(name)
        if ran:
            say(name, "down")

    def wipe(self, names: Sequence[str], *, everything: bool = False) -> None:
        """Remove the data of parts that are down; with everything also the tools, unless shared, and the credentials."""
        for name in names:
            self.engine_of(name).wipe(name)
            self.write_note(f"{name}.provisioned", "")
        if "localstack" in names:
            self.layout.deployed.unlink(missing_ok=True)
            (self.layout.state / "gateway.json").unlink(missing_ok=True)
            self.write_note(programs.PENDING, "")
        if everything:
            own = [self.layout.tools] if self.layout.tools.is_relative_to(self.layout.state) else []
            for folder in (*own, self.layout.state / "build"):
                shutil.rmtree(folder, ignore_errors=True)
            for file in (self.layout.credentials, self.layout.state / "demo.json"):
                file.unlink(missing_ok=True)


def here(wanted: str | None = None) -> Stack:
    """Return this checkout's stack, on the engine asked for, else the one it runs on, else the one that suits the machine."""
    if wanted and wanted not in choosing.ENGINES:
        raise StackError(f"the engine is one of {', '.join(choosing.ENGINES)}, not {wanted!r}")
    place = site.here()
    running = running_on(place)
    if wanted and running and wanted != running:
        raise StackError(f"the stack runs on the {running} engine; `souk down` first, then start it on {wanted}")
    return Stack(place, choosing.choose(place, wanted or running or None))


def running_on(place: Site) -> str:
    """Return the engine of a stack that was started and not ended; empty when there is none."""
    return read(place.layout.records / "engine")


def read(note: Path) -> str:
    """Return what was written down; empty when nothing was."""
    return note.read_text() if note.exists() else ""


@contextmanager
def alone(lock: Path) -> Iterator[None]:
    """Let one command at a time go on; the others wait. Raises StackError where another user's stack lies."""
    try:
        file = lock.open("w")
    except PermissionError:
        raise StackError(
            f"{lock.parent} belongs to another user; choose other places with SOUK_HOME and SOUK_TOOLS"
        ) from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Progress:
    """Prints what happens, with the seconds since it was made."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write
        self.began = time.monotonic()

    def __call__(self, name: str, text: str) -> None:
        """Print one line."""
        self.write(f"{time.monotonic() - self.began:6.1f} s  {name:<11} {text}")
