"""The bridge, our own always-on program: it carries events from the outboxes over RabbitMQ to the queues."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from typing import TYPE_CHECKING

from souk.plans import OWN, SESSIONS
from souk_local import ready, settings
from souk_local.processes import Program

if TYPE_CHECKING:
    from souk_local.site import Site

TITLE = "Bridge"
PORTS = ("bridge",)
PROCESSES = PORTS
WITHIN = 60.0
PACKAGES: Mapping[str, str] = {}
STATUS = "/status"
NOT_ITS_BUSINESS = ("_OWNER_DATABASE_URL", "_SIGNING_KEY", "_SEARCH_URL", "_GRAPH_URL")


def prepare(site: Site, say: Callable[[str], None]) -> None:
    """Nothing: it runs in the development environment."""
    del site, say


def initialise(site: Site) -> None:
    """Nothing: it keeps no data."""
    del site


def programs(site: Site) -> tuple[Program, ...]:
    """Return the bridge, with the settings of the stores it reads from and no other secret."""
    place = site.layout
    known = {**settings.environment(site), **settings.databases(site), **settings.carriers(site)}
    env = {name: value for name, value in known.items() if not name.endswith(NOT_ITS_BUSINESS)}
    where = {"SOUK_HOME": str(place.state), "SOUK_TOOLS": str(place.tools), "SOUK_PORT_BASE": str(place.base)}
    argv = (sys.executable, "-m", "souk_cli.main", "bridge")
    return (Program(name="bridge", argv=argv, env={**env, **where, SESSIONS: OWN}, cwd=place.root, ports=PORTS),)


def glance(site: Site) -> None:
    """Answer when it tells its lag."""
    ready.get(site.port("bridge"), STATUS)


probe = glance


def version(site: Site) -> str:
    """Return the version of the checkout; it has no other."""
    del site
    try:
        return metadata.version("souk")
    except metadata.PackageNotFoundError:
        return ""


def fingerprint(site: Site) -> str:
    """Nothing to provision."""
    del site
    return ""


def provision(site: Site) -> None:
    """Nothing to provision."""
    del site
