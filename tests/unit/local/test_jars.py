"""The Java servers: how they are started, and what is accepted as theirs."""

import hashlib
from pathlib import Path

import pytest

from souk_local import jars, java
from souk_local.errors import StackError

STORES = ("search", "graph")


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of programs that takes the place of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    script(folder / "java", "echo 'openjdk version \"17.0.15\" 2025-04-15' >&2")
    script(folder / "javac", "exit 0")
    return folder


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def search(home: Path, heap: str | None = None) -> java.Command:
    return java.search_command(tools=home / "tools", home=home, http_port=1, transport_port=2, heap=heap)


def graph(home: Path) -> java.Command:
    return java.graph_command(tools=home / "tools", home=home, bolt_port=3, password="correct horse")


@pytest.mark.parametrize("store", STORES)
def test_a_lock_carries_hashes_and_names_alone(store: str) -> None:
    locked = jars.locked(store)
    assert all(len(digest) == 64 for digest in locked.values())
    assert all(name.endswith(".jar") and "/" not in name for name in locked)


@pytest.mark.usefixtures("program")
def test_search_listens_on_loopback_alone(tmp_path: Path) -> None:
    assert {"network.host=127.0.0.1", "http.port=1", "transport.port=2"} < set(search(tmp_path).argv)


@pytest.mark.usefixtures("program")
def test_graph_listens_on_loopback_alone(tmp_path: Path) -> None:
    assert {"server.bolt.listen_address=127.0.0.1:3", "server.default_listen_address=127.0.0.1"} < set(
        graph(tmp_path).argv
    )


@pytest.mark.usefixtures("program")
def test_no_password_is_on_a_command_line(tmp_path: Path) -> None:
    command = graph(tmp_path)
    assert not any("correct horse" in word for argv in (command.argv, command.steps[0].argv) for word in argv)
    assert "correct horse" in command.steps[0].stdin


@pytest.mark.usefixtures("program")
def test_no_password_is_read_as_an_option(tmp_path: Path) -> None:
    assert graph(tmp_path).steps[0].stdin.splitlines()[-2:] == ["--", "correct horse"]


def test_a_step_that_fails_is_told_by_what_it_said_before_its_usage(tmp_path: Path) -> None:
    step = java.Step(argv=("sh", "-c", "printf 'Missing password\n\nUSAGE\n' >&2; exit 64", "Tool", "x"))
    command = java.Command(argv=(), env={}, cwd=tmp_path, steps=(step,))
    with pytest.raises(StackError, match=r"Tool failed: Missing password$"):
        java.make_ready(command)


@pytest.mark.usefixtures("program")
def test_a_database_that_has_run_keeps_its_password(tmp_path: Path) -> None:
    (tmp_path / "data" / "databases" / "system").mkdir(parents=True)
    assert graph(tmp_path).steps == ()


@pytest.mark.usefixtures("program")
def test_the_heap_is_what_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "-Xmx512m" in search(tmp_path).argv
    monkeypatch.setenv("SOUK_SEARCH_HEAP", "2g")
    assert "-Xmx2g" in search(tmp_path).argv
    assert "-Xmx64m" in search(tmp_path, "64m").argv


@pytest.mark.usefixtures("program")
def test_a_heap_that_is_no_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="SOUK_SEARCH_HEAP must look like"):
        search(tmp_path, "-version")


def test_a_missing_java_is_told_with_the_remedy(program: Path, tmp_path: Path) -> None:
    (program / "java").unlink()
    with pytest.raises(StackError, match="java is missing; on Debian: apt-get install"):
        search(tmp_path)


def test_an_old_java_is_refused(program: Path, tmp_path: Path) -> None:
    script(program / "java", "echo 'openjdk version \"11.0.2\"' >&2")
    with pytest.raises(StackError, match="Java 17 or newer is needed"):
        jars.fetch("search", tools=tmp_path)


def test_a_repository_that_does_not_answer_is_told_in_one_line(program: Path, tmp_path: Path) -> None:
    script(program / "mvn", "echo '[ERROR] Failed to read: connection refused'; echo more; exit 1")
    with pytest.raises(
        StackError, match=r"^graph: Maven could not fetch the jars: Failed to read: connection refused$"
    ):
        jars.fetch("graph", tools=tmp_path)


def test_other_jars_than_the_locked_ones_are_refused(program: Path, tmp_path: Path) -> None:
    script(program / "mvn", f"/bin/mkdir -p {tmp_path}/graph/lib.new; echo > {tmp_path}/graph/lib.new/stranger.jar")
    with pytest.raises(StackError, match=r"graph: what Maven fetched differs from graph/jars.lock"):
        jars.fetch("graph", tools=tmp_path)
    assert not (tmp_path / "graph" / "lib").exists()


def test_jars_are_compared_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.jar").write_bytes(b"one")
    monkeypatch.setattr(jars, "locked", lambda _: {"one.jar": hashlib.sha256(b"one").hexdigest()})
    jars.verify("search", tmp_path)
    (tmp_path / "one.jar").write_bytes(b"two")
    with pytest.raises(StackError, match=r"one\.jar"):
        jars.verify("search", tmp_path)


@pytest.mark.usefixtures("program")
def test_the_configuration_lies_in_the_servers_own_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    java.make_ready(search(home))
    assert (home / "config" / "opensearch.yml").read_text().count("single-node") == 1
    assert (home / "config").stat().st_mode & 0o077 == 0
