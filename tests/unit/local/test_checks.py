import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from ports import free_ports

from souk_local import checks, install
from souk_local.checks import GIB
from souk_local.errors import StackError


@pytest.mark.enable_socket
def test_a_taken_port_is_told_with_the_process_that_has_it() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(StackError, match=f"port {port} for redis-1 is taken by process {os.getpid()} ") as error:
            checks.ports({"redis-1": port})
    assert "SOUK_PORT_BASE" in str(error.value)


@pytest.mark.enable_socket
def test_a_free_port_is_no_trouble() -> None:
    checks.ports({"redis-1": free_ports(1)[0]})


@pytest.mark.parametrize(
    ("check", "word"),
    [
        (lambda: checks.python((3, 12)), "3.12"),
        (lambda: checks.disk(Path("/state"), free=GIB), "disk"),
        (lambda: checks.memory(available=GIB), "memory"),
    ],
)
def test_a_machine_that_does_not_suffice_is_refused_with_the_reason(check: Callable[[], None], word: str) -> None:
    with pytest.raises(StackError, match=word):
        check()


def test_a_home_that_database_users_cannot_enter_is_refused_for_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (tmp_path / "closed" / "state").mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    with pytest.raises(StackError, match="SOUK_HOME"):
        checks.passable(tmp_path / "closed" / "state")


def test_a_missing_package_is_one_whose_program_is_not_there() -> None:
    assert install.missing({"shell": "sh", "nothing": "/nowhere/nothing"}) == ["nothing"]


def test_whoever_is_not_root_is_told_one_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(StackError) as error:
        install.packages({"redis-server": "/nowhere/redis"}, say=print)
    command = str(error.value).splitlines()[1]
    assert "apt-get install redis-server" in command
    assert "policy-rc.d" in command


def test_a_policy_that_was_there_is_back_after_installing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    policy = tmp_path / "policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 0\n")
    monkeypatch.setattr(install, "POLICY", policy)
    with install.starting_nothing():
        assert policy.read_text() == install.START_NOTHING
        assert stat.S_IMODE(policy.stat().st_mode) == 0o755
    assert policy.read_text() == "#!/bin/sh\nexit 0\n"


def test_no_policy_is_left_where_there_was_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "POLICY", tmp_path / "policy-rc.d")
    with install.starting_nothing():
        pass
    assert not (tmp_path / "policy-rc.d").exists()
