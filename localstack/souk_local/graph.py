"""Neo4j Community, natively from jars."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from souk_local import jars, java, ready
from souk_local.layout import LOOPBACK
from souk_local.processes import Program
from souk_local.ready import NotReady

if TYPE_CHECKING:
    from souk_local.java import Command
    from souk_local.site import Site

TITLE = "Neo4j"
PORTS = ("graph",)
PROCESSES = PORTS
WITHIN = 180.0
PACKAGES: Mapping[str, str] = {"openjdk-17-jdk-headless": "javac", "maven": "mvn"}
ACCOUNT = "neo4j"
# The greeting of the Bolt protocol, offering version 5.4 alone.
HELLO = b"\x60\x60\xb0\x17" + b"\x00\x00\x04\x05" + bytes(12)


def url(site: Site) -> str:
    """Where a client connects."""
    return f"bolt://{ACCOUNT}:{site.credentials.password('graph')}@{LOOPBACK}:{site.port('graph')}"


def prepare(site: Site, say: Callable[[str], None]) -> None:
    """Fetch its jars."""
    if not jars.fetched("graph", tools=site.layout.tools):
        say("fetching the jars of graph")
        jars.fetch("graph", tools=site.layout.tools)


def initialise(site: Site) -> None:
    """Write its configuration and, the first time, its password."""
    java.make_ready(command(site))


def programs(site: Site) -> tuple[Program, ...]:
    """Return the server."""
    ready_made = command(site)
    return (Program(name="graph", argv=ready_made.argv, env=ready_made.env, cwd=ready_made.cwd, ports=PORTS),)


def command(site: Site) -> Command:
    """How the server is started."""
    home, password = site.layout.data("graph"), site.credentials.password("graph")
    return java.graph_command(tools=site.layout.tools, home=home, bolt_port=site.port("graph"), password=password)


def glance(site: Site) -> None:
    """Answer when it greets as Neo4j does."""
    ready.exchange(site.port("graph"), HELLO)


def probe(site: Site) -> None:
    """Answer when a fresh driver can work with it; one that has failed waits out its own back-off."""
    glance(site)
    from neo4j import GraphDatabase
    from neo4j.exceptions import DriverError, Neo4jError

    where, account = f"bolt://{LOOPBACK}:{site.port('graph')}", (ACCOUNT, site.credentials.password("graph"))
    try:
        with GraphDatabase.driver(where, auth=account) as driver:
            driver.verify_connectivity()
    except (DriverError, Neo4jError) as error:
        raise NotReady(str(error)) from error


def version(site: Site) -> str:
    """Return the version of its jars."""
    return jars.version(site.layout.tools / "graph", "neo4j")


def fingerprint(site: Site) -> str:
    """Nothing to provision: constraints come by migrations."""
    del site
    return ""


def provision(site: Site) -> None:
    """Nothing to provision."""
    del site
