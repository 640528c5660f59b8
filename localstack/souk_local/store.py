"""What each part of the stack says about itself, one module per part, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from souk_local.errors import StackError

if TYPE_CHECKING:
    from souk_local.processes import Program
    from souk_local.site import Site

Say = Callable[[str], None]

MODULES: Mapping[str, str] = {
    "postgres": "postgres",
    "mongo": "mongo",
    "search": "search",
    "graph": "graph",
    "redis": "redis",
    "rabbitmq": "rabbit",
    "localstack": "localstack",
    "gateway": "gateway",
    "bridge": "bridge",
}
STORES = ("postgres", "mongo", "search", "graph", "redis", "rabbitmq")
OPTIONAL = ("search", "graph")
"""The rest of the stack works, degraded, without them."""


class Store(Protocol):
    """A part of the stack: what it needs, how it runs natively, and how one sees that it is well."""

    @property
    def TITLE(self) -> str:  # noqa: N802 - a module's constant
        """Its name for people."""
        ...

    @property
    def PORTS(self) -> tuple[str, ...]:  # noqa: N802 - a module's constant
        """Its listeners, named as in `layout.OFFSETS`, the main one first."""
        ...

    @property
    def PROCESSES(self) -> tuple[str, ...]:  # noqa: N802 - a module's constant
        """Its processes, in the order of starting."""
        ...

    @property
    def PACKAGES(self) -> Mapping[str, str]:  # noqa: N802 - a module's constant
        """Debian packages, each with a file that shows it is there."""
        ...

    @property
    def WITHIN(self) -> float:  # noqa: N802 - a module's constant
        """Seconds it may take to answer after its start."""
        ...

    def prepare(self, site: Site, say: Say) -> None:
        """Fetch what no Debian package brings; instant when it is there."""

    def initialise(self, site: Site) -> None:
        """Make folders and configuration before a start; changes no data that is there."""

    def programs(self, site: Site) -> tuple[Program, ...]:
        """Tell what to run, in the order of starting."""
        ...

    def glance(self, site: Site) -> None:
        """Return when the server answers, else raise NotReady; cheap enough for every `up`."""

    def probe(self, site: Site) -> None:
        """Return when the server does its work, else raise NotReady."""

    def version(self, site: Site) -> str:
        """Return the server's version."""
        ...

    def fingerprint(self, site: Site) -> str:
        """Differs when it has to be provisioned again; empty when there is nothing to provision."""
        ...

    def provision(self, site: Site) -> None:
        """Create what the services need in it; may be run at any time."""


def named(name: str) -> Store:
    """Return the part of that name."""
    if name not in MODULES:
        raise StackError(f"there is no {name!r}; the parts of the stack are {', '.join(MODULES)}")
    return cast("Store", import_module(f"souk_local.{MODULES[name]}"))
