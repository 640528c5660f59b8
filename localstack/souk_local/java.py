"""How the two Java servers, search and graph, are started: frugally, on loopback, each in a folder of its own."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from souk_local import users
from souk_local.errors import StackError
from souk_local.jars import NATIVE, java
from souk_local.layout import LOOPBACK
from souk_local.processes import become

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAPS: Mapping[str, str] = {"search": "SOUK_SEARCH_HEAP", "graph": "SOUK_GRAPH_HEAP"}
DEFAULT_HEAP = "512m"
FRUGAL = (
    # Measured on two cores: these three halve the processor time of a start and nearly halve the memory, and search
    # answers as fast as with the optimising compiler and the concurrent collector.
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Xms64m",
    "-XX:+ExitOnOutOfMemoryError",
    "-Djava.awt.headless=true",
    "-Dfile.encoding=UTF-8",
    "-Dlog4j2.disable.jmx=true",
)
FOR_SEARCH = (
    "-Xss1m",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dlog4j.shutdownHookEnabled=false",
    "--add-opens=java.base/java.nio=ALL-UNNAMED",
)
FOR_GRAPH = (
    "-XX:-OmitStackTraceInFastThrow",
    "-Djdk.nio.maxCachedBufferSize=1024",
    "-Dio.netty.tryReflectionSetAccessible=true",
    *(
        f"--add-opens=java.base/{package}=ALL-UNNAMED"
        for package in ("java.nio", "java.io", "sun.nio.ch", "java.util.concurrent", "java.lang")
    ),
)


class Step(Struct, frozen=True, kw_only=True):
    """A command that has to succeed before the server starts, and what it reads from its standard input."""

    argv: tuple[str, ...]
    stdin: str = ""


class Command(Struct, frozen=True, kw_only=True):
    """How a server is started: run `make_ready`, then `argv` with `env` added in `cwd`. It ends on SIGTERM."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    files: Mapping[Path, str] = {}
    """Configuration to write anew before every start."""
    steps: tuple[Step, ...] = ()


def search_command(*, tools: Path, home: Path, http_port: int, transport_port: int, heap: str | None = None) -> Command:
    """Start an OpenSearch node without authentication on loopback, with data, log and configuration in `home`."""
    listens = {"network.host": LOOPBACK, "http.port": str(http_port), "transport.port": str(transport_port)}
    settings = tuple(f"{key}={value}" for key, value in listens.items())
    temporary = f"-Djava.io.tmpdir={home / 'tmp'}"
    return Command(
        argv=(
            java(),
            *FRUGAL,
            *FOR_SEARCH,
            temporary,
            most(heap, "search"),
            "SearchNode",
            str(home),
            str(home / "config"),
            *settings,
        ),
        env={"CLASSPATH": class_path(tools / "search")},
        cwd=home,
        files=configuration("search", home),
    )


def graph_command(*, tools: Path, home: Path, bolt_port: int, password: str, heap: str | None = None) -> Command:
    """Start a Neo4j server on loopback; the password (of user `neo4j`, 8 characters at least) is set on the first start."""
    address = f"{LOOPBACK}:{bolt_port}"
    settings = {
        "server.default_listen_address": LOOPBACK,
        "server.bolt.listen_address": address,
        "server.bolt.advertised_address": address,
        "server.memory.pagecache.size": "256m",
    }
    given = tuple(word for key, value in settings.items() for word in ("-c", f"{key}={value}"))
    places = (f"--home-dir={home}", f"--config-dir={home / 'config'}", "--console-mode")
    temporary = f"-Djava.io.tmpdir={home / 'tmp'}"
    main = ("org.neo4j.server.CommunityEntryPoint", *places, *given)
    return Command(
        argv=(java(), *FRUGAL, *FOR_GRAPH, temporary, most(heap, "graph"), *main),
        env={"CLASSPATH": class_path(tools / "graph"), "NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "config")},
        cwd=home,
        files=configuration("graph", home),
        steps=() if has_password(home) else (first_password(password),),
    )


def make_ready(command: Command, *, user: str | None = None) -> None:
    """Write the configuration and run the steps of a command, as this user when we are root. Raises StackError."""
    for folder in (command.cwd, command.cwd / "tmp", *{path.parent for path in command.files}):
        users.own_folder(folder, user)
    for path, text in command.files.items():
        users.secret_file(path, text, user)
    for step in command.steps:
        take(step, command, user)


def take(step: Step, command: Command, user: str | None) -> None:
    """Run one step as the server will be run. Raises StackError with what it said first: usage follows."""
    done = subprocess.run(
        [*become(user), *step.argv],
        input=step.stdin,
        env={**os.environ, **command.env},
        cwd=command.cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise StackError(f"{step.argv[-2]} failed: {first_line(done.stderr + done.stdout)}")


def first_password(password: str) -> Step:
    """Set the password of a database that has never run; it is read from standard input, where `ps` can't see it."""
    tool = (java(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", "org.neo4j.cli.AdminTool")
    return Step(argv=(*tool, "@/dev/stdin"), stdin=f"dbms\nset-initial-password\n--\n{password}\n")


def has_password(home: Path) -> bool:
    """Tell whether the database was given a password, or has run."""
    data = home / "data"
    return (data / "dbms" / "auth.ini").exists() or (data / "databases" / "system").exists()


def configuration(store: str, home: Path) -> dict[Path, str]:
    """Read the committed configuration, which is copied because a server's own user may not be able to enter the checkout."""
    return {home / "config" / path.name: path.read_text() for path in sorted((NATIVE / store / "config").iterdir())}


def most(heap: str | None, store: str) -> str:
    """Choose the largest heap: as asked for, else as the environment says, else half a gigabyte."""
    heap = heap or os.environ.get(HEAPS[store]) or DEFAULT_HEAP
    if not re.fullmatch(r"\d+[kmg]", heap, re.IGNORECASE):
        raise StackError(f"{HEAPS[store]} must look like 512m or 2g, not {heap!r}")
    return f"-Xmx{heap}"


def class_path(folder: Path) -> str:
    """Every jar of a store; given by the environment, as a command line of 200 jars hides what is being run."""
    return f"{folder / 'launcher.jar'}:{folder / 'lib'}/*"


def first_line(text: str) -> str:
    """Pick the first thing a program said."""
    return (text.strip().splitlines() or ["no reason given"])[0]
