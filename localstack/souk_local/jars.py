"""The two Java servers, search and graph: fetched as jars, each checked against its lock, and how they are started."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from souk_local import users
from souk_local.errors import StackError
from souk_local.layout import LOOPBACK, checkout
from souk_local.processes import become

if TYPE_CHECKING:
    from collections.abc import Mapping

NATIVE = checkout() / "localstack" / "native"
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
HEAPS: Mapping[str, str] = {"search": "SOUK_SEARCH_HEAP", "graph": "SOUK_GRAPH_HEAP"}
DEFAULT_HEAP = "512m"
OLDEST_JAVA = 17
PATIENCE = 600
"""Seconds for one Maven run, of which a slow line may need many."""

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
        "server.memory.pagecache.size": "64m",
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
    """Run one step as the server will be run. Raises StackError with its last words."""
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
        raise StackError(f"{step.argv[-2]} failed: {last_line(done.stdout + done.stderr)}")


def first_password(password: str) -> Step:
    """Set the password of a database that has never run; it is read from standard input, where `ps` can't see it."""
    tool = (java(), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx128m", "org.neo4j.cli.AdminTool")
    return Step(argv=(*tool, "@/dev/stdin"), stdin=f"dbms\nset-initial-password\n{password}\n")


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


def java() -> str:
    """Find the Java that runs the servers."""
    return program("java")


def program(name: str) -> str:
    """Find a program of the Java development kit or Maven."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which(name, path=f"{home}/bin") if home else None
    found = found or shutil.which(name)
    if found is None:
        raise StackError(
            f"{name} is missing; on Debian: apt-get install --no-install-recommends openjdk-17-jdk-headless maven"
        )
    return found


def fetch(store: str, *, tools: Path) -> None:
    """Make the jars of `search` or `graph` ready in `tools`; instant when they are there.

    Raises StackError when Java or Maven is missing, the repository doesn't answer or a jar isn't the locked one.
    """
    if fetched(store, tools=tools):
        return
    check_java()
    folder = tools / store
    folder.mkdir(parents=True, exist_ok=True)
    marker = folder / "complete"
    marker.unlink(missing_ok=True)
    download(store, folder)
    compile_launcher(store, folder)
    marker.write_text(fingerprint(store))


def fetched(store: str, *, tools: Path) -> bool:
    """Whether the jars that the lock names are there."""
    marker = tools / store / "complete"
    return marker.exists() and marker.read_text() == fingerprint(store)


def fingerprint(store: str) -> str:
    """Sum up everything that decides what is fetched and compiled."""
    sources = (path for path in sorted((NATIVE / store).iterdir()) if path.is_file())
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


def check_java() -> None:
    """Raise StackError unless a Java that is new enough can run and compile."""
    program("javac")
    told = subprocess.run([java(), "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', told)
    version = int(found[1]) if found else 0
    if version < OLDEST_JAVA:
        raise StackError(f"Java {OLDEST_JAVA} or newer is needed, but {java()} is version {version}")


def download(store: str, folder: Path) -> None:
    """Put exactly the locked jars into `lib`, or raise StackError and leave what was there."""
    fresh = folder / "lib.new"
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        run_maven(store, folder, fresh)
        verify(store, fresh)
        shutil.rmtree(folder / "lib", ignore_errors=True)
        fresh.rename(folder / "lib")
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.rmtree(folder / "repository", ignore_errors=True)


def run_maven(store: str, folder: Path, into: Path) -> None:
    """Resolve the pom with a repository folder of our own, so that nobody's home is written to."""
    words = (
        *("--batch-mode", "--quiet", "--no-transfer-progress", f"--file={NATIVE / store / 'pom.xml'}", COPY),
        *(f"-Dmaven.repo.local={folder / 'repository'}", f"-DoutputDirectory={into}", "-DincludeScope=runtime"),
        *("-Dmaven.wagon.http.retryHandler.count=2", "-Dmaven.wagon.rto=30000", "-Dmaven.artifact.threads=10"),
    )
    try:
        done = subprocess.run([program("mvn"), *words], capture_output=True, text=True, check=False, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        raise StackError(f"{store}: Maven took more than {PATIENCE} s to fetch the jars") from None
    if done.returncode != 0:
        raise StackError(f"{store}: Maven could not fetch the jars: {first_error(done.stdout)}")


def verify(store: str, folder: Path) -> None:
    """Compare a folder with the lock: no jar too few, too many or other than it was. Raises StackError."""
    wanted, found = locked(store), hashes(folder)
    if found == wanted:
        return
    names = sorted(name for name in wanted | found if wanted.get(name) != found.get(name))
    raise StackError(f"{store}: what Maven fetched differs from {store}/jars.lock: {', '.join(names[:5])}")


def version(folder: Path, jar: str) -> str:
    """Tell the version of the server in a folder of jars; empty when nothing was fetched yet."""
    found = (re.fullmatch(rf"{jar}-(\d[\w.]*)\.jar", path.name) for path in folder.glob(f"lib/{jar}-*.jar"))
    return next((match[1] for match in found if match), "")


def locked(store: str) -> dict[str, str]:
    """Read the locked sha256 of each jar, by its name."""
    lines = (line.split() for line in (NATIVE / store / "jars.lock").read_text().splitlines())
    return {name: digest for digest, name in lines}


def hashes(folder: Path) -> dict[str, str]:
    """Compute the sha256 of each file in a folder."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def compile_launcher(store: str, folder: Path) -> None:
    """Compile what starts the server, where the server has no such class itself."""
    sources = sorted((NATIVE / store).glob("*.java"))
    if not sources:
        return
    classes = folder / "classes"
    shutil.rmtree(classes, ignore_errors=True)
    words = ("--release", str(OLDEST_JAVA), "-nowarn", "-cp", f"{folder / 'lib'}/*", "-d", str(classes))
    done = subprocess.run([program("javac"), *words, *map(str, sources)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"{store}: {sources[0].name} can't be compiled: {first_error(done.stderr)}")
    with zipfile.ZipFile(folder / "launcher.jar", "w") as jar:
        for path in sorted(classes.rglob("*.class")):
            jar.write(path, path.relative_to(classes))
    shutil.rmtree(classes)


def first_error(text: str) -> str:
    """Pick the line that says what went wrong."""
    lines = [line for line in text.splitlines() if "error" in line.lower()] or text.splitlines() or ["no reason given"]
    return lines[0].removeprefix("[ERROR] ").strip()


def last_line(text: str) -> str:
    """Pick the last thing a program said."""
    return (text.strip().splitlines() or ["no reason given"])[-1]


def write_locks(tools: Path) -> None:
    """Fetch what the pom files resolve to now and write it into the locks; for whoever changes a version."""
    for store in HEAPS:
        fresh = tools / store / "lib.lock"
        shutil.rmtree(fresh, ignore_errors=True)
        run_maven(store, tools / store, fresh)
        lines = (f"{digest}  {name}\n" for name, digest in hashes(fresh).items())
        (NATIVE / store / "jars.lock").write_text("".join(lines))
        shutil.rmtree(tools / store)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory(prefix="souk-jars-") as folder:
        write_locks(Path(folder))
