"""OpenSearch, natively from jars; in a container it is Elasticsearch, which the same client speaks to."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from souk_local import jars, java, ready
from souk_local.layout import LOOPBACK
from souk_local.processes import Program

if TYPE_CHECKING:
    from souk_local.java import Command
    from souk_local.site import Site

TITLE = "Search"
PORTS = ("search", "search-transport")
PROCESSES = ("search",)
WITHIN = 180.0
PACKAGES: Mapping[str, str] = {"openjdk-17-jdk-headless": "javac", "maven": "mvn"}
ACCOUNT = "elastic"
HEALTH = "/_cluster/health?wait_for_status=yellow&timeout=2s"


def url(site: Site, engine: str) -> str:
    """Where a client connects; OpenSearch has no accounts here."""
    where = f"{LOOPBACK}:{site.port('search')}"
    if engine == "native":
        return f"opensearch+http://{where}"
    return f"http://{ACCOUNT}:{site.credentials.password('search')}@{where}"


def prepare(site: Site, say: Callable[[str], None]) -> None:
    """Fetch its jars."""
    if not jars.fetched("search", tools=site.layout.tools):
        say("fetching the jars of search")
        jars.fetch("search", tools=site.layout.tools)


def initialise(site: Site) -> None:
    """Write its configuration."""
    java.make_ready(command(site))


def programs(site: Site) -> tuple[Program, ...]:
    """Return the node."""
    ready_made = command(site)
    return (Program(name="search", argv=ready_made.argv, env=ready_made.env, cwd=ready_made.cwd, ports=PORTS),)


def command(site: Site) -> Command:
    """How the node is started."""
    return java.search_command(
        tools=site.layout.tools,
        home=site.layout.data("search"),
        http_port=site.port("search"),
        transport_port=site.port("search-transport"),
    )


def glance(site: Site) -> None:
    """Answer when it speaks HTTP; accounts are Elasticsearch's, OpenSearch doesn't look at them."""
    ready.get(site.port("search"), "/", authorization(site))


def probe(site: Site) -> None:
    """Answer when its indexes can be read and written."""
    ready.get(site.port("search"), HEALTH, authorization(site))


def authorization(site: Site) -> dict[str, str]:
    """Return the account as a header."""
    pair = f"{ACCOUNT}:{site.credentials.password('search')}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}


def version(site: Site) -> str:
    """Return the version of its jars."""
    return jars.version(site.layout.tools / "search", "opensearch")


def fingerprint(site: Site) -> str:
    """Nothing to provision: indexes come by migrations."""
    del site
    return ""


def provision(site: Site) -> None:
    """Nothing to provision."""
    del site
