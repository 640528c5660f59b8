"""The native engine: servers from Debian packages, virtual environments and jars, as processes of this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from souk_local import checks, install, proc, processes, store
from souk_local.engine import Running
from souk_local.errors import StackError
from souk_local.logs import follow_files, last_of

if TYPE_CHECKING:
    from souk_local.processes import Program
    from souk_local.site import Site


class NativeEngine:
    """Runs each store as processes of this machine."""

    name = "native"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.layout = site.layout

    def prepare(self, stores: Sequence[str], *, say: Callable[[str], None]) -> Mapping[str, str]:
        """Install Debian packages in one go, fetch the rest of each store at the same time, and see that ports are free."""
        lost = self.install(stores, say)
        with ThreadPoolExecutor() as pool:
            fetched = {
                name: pool.submit(store.named(name).prepare, self.site, say) for name in stores if name not in lost
            }
        for name, fetching in fetched.items():
            error = fetching.exception()
            if isinstance(error, StackError) and name in store.OPTIONAL:
                lost[name] = str(error)
            elif error is not None:
                raise error
        self.vacate([name for name in stores if name not in store.OPTIONAL])  # before anything is started in vain
        return lost

    def install(self, stores: Sequence[str], say: Callable[[str], None]) -> dict[str, str]:
        """Install what these stores need from Debian in one go; answers the optional ones that have to do without."""
        optional = [name for name in stores if name in store.OPTIONAL]
        required = packages([name for name in stores if name not in optional])
        try:
            install.packages(packages(stores), say=say)
        except StackError as error:
            if install.missing(required) and not checks.is_root():
                raise
            install.packages(required, say=say)
            return {name: str(error) for name in optional if install.missing(packages([name]))}
        return {}

    def alive(self, name: str) -> bool:
        """Whether all its processes run."""
        return all(self.runs(process) for process in store.named(name).PROCESSES)

    def start(self, name: str) -> None:
        """Start those of its processes that don't run."""
        part = store.named(name)
        wanted = self.vacate([name])
        if wanted:
            part.initialise(self.site)
        for program in wanted:
            processes.launch(program, self.layout)

    def vacate(self, stores: Sequence[str]) -> list[Program]:
        """Return the programs of these stores that don't run, and whose ports are free. Raises StackError when not."""
        wanted = [one for name in stores for one in store.named(name).programs(self.site) if not self.runs(one.name)]
        for program in wanted:
            processes.clear(self.layout, program.name)
        checks.ports({port: self.site.port(port) for program in wanted for port in program.ports})
        return wanted

    def runs(self, process: str) -> bool:
        """Whether one process runs."""
        return processes.record_of(self.layout, process) is not None

    def stop(self, name: str) -> None:
        """End its processes, the last started first."""
        for process in reversed(store.named(name).PROCESSES):
            processes.stop(self.layout, process)

    def look(self, name: str) -> Running:
        """Tell what runs, and how big it is in memory and on disk."""
        part = store.named(name)
        found = [record.pid for process in part.PROCESSES if (record := processes.record_of(self.layout, process))]
        family = {member for pid in found for member in proc.descendants(pid)}
        return Running(
            where=tuple(f"pid {pid}" for pid in found),
            version=part.version(self.site),
            memory=sum(map(proc.memory, family)),
            data=size(self.layout.data(name)),
        )

    def tail(self, name: str, lines: int) -> str:
        """Return the last lines of each of its logs."""
        logs = [self.layout.log(process) for process in store.named(name).PROCESSES]
        return "\n".join(line for log in logs for line in last_of(log, lines))

    def logs(self, stores: Sequence[str], *, lines: int, follow: bool) -> Iterator[str]:
        """Return the logs of these stores."""
        names = [process for name in stores for process in store.named(name).PROCESSES]
        return follow_files({name: self.layout.log(name) for name in names}, lines=lines, follow=follow)

    def wipe(self, name: str) -> None:
        """Remove its data."""
        shutil.rmtree(self.layout.data(name), ignore_errors=True)


def packages(stores: Sequence[str]) -> dict[str, str]:
    """Return the Debian packages of these stores, each with the program that shows it is there."""
    return {package: program for name in stores for package, program in store.named(name).PACKAGES.items()}


def size(folder: Path) -> int:
    """Bytes of all files below a folder; what vanishes while counting counts nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except OSError:
            continue
        total += status.st_blocks * 512
    return total
