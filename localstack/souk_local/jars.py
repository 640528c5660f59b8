"""The jars of the two Java servers, search and graph: fetched with Maven, each checked against its lock."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

from souk_local.errors import StackError
from souk_local.layout import checkout

NATIVE = checkout() / "localstack" / "native"
STORES = ("search", "graph")
COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
OLDEST_JAVA = 17
PATIENCE = 600
"""Seconds for one Maven run, of which a slow line may need many."""


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


def write_locks(tools: Path) -> None:
    """Fetch what the pom files resolve to now and write it into the locks; for whoever changes a version."""
    for store in STORES:
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
