"""How stores are run, as native processes or as containers: one Protocol for both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


class Running(Struct, frozen=True, kw_only=True):
    """What an engine knows of a store it runs."""

    where: tuple[str, ...] = ()
    """Process ids (`pid 123`) or container names, the main one first; empty when it is down."""
    version: str = ""
    memory: int = 0
    """Resident bytes, children included."""
    data: int = 0
    """Bytes on disk."""


class Engine(Protocol):
    """Runs the database stores (postgres mongo search graph redis rabbitmq).

    Ports and credentials come from the site, and every server is reachable on 127.0.0.1 only. Waiting until a store
    answers, and creating databases and roles in it, is the stack's and the same for every engine.
    """

    name: str

    def prepare(self, stores: Sequence[str], *, say: Callable[[str], None]) -> Mapping[str, str]:
        """Fetch all that these stores need (instant when it is there) and answer which can't run here, and why.

        Only search and graph may be answered that way; raises StackError for any other.
        """
        ...

    def alive(self, store: str) -> bool:
        """Whether every process or container of the store runs; asks no server, and takes no time worth mentioning."""
        ...

    def start(self, store: str) -> None:
        """Start what isn't running of the store, with its data, and return without waiting for it to answer.

        Raises StackError naming the store and the reason (a port taken, a broken configuration).
        """
        ...

    def stop(self, store: str) -> None:
        """End the store in order; nothing of it runs afterwards. Does nothing when it is down."""
        ...

    def look(self, store: str) -> Running:
        """Tell what runs, where, its version, memory and size on disk."""
        ...

    def tail(self, store: str, lines: int) -> str:
        """Return the last lines of the store's log, for an error message."""
        ...

    def logs(self, stores: Sequence[str], *, lines: int, follow: bool) -> Iterator[str]:
        """Return the log lines of these stores, each with its process's name in front; goes on for ever with `follow`."""
        ...

    def wipe(self, store: str) -> None:
        """Remove the data of a store that is down."""
        ...
