from pathlib import Path

from souk_executor.environment import command, environment


def variables(home: Path) -> dict[str, str]:
    return environment(port=4567, home=home, runtime_python=Path("/r/python"))


def test_localstack_writes_below_its_home_alone(tmp_path: Path) -> None:
    given = variables(tmp_path / "home")
    for name in ("HOME", "TMPDIR", "FILESYSTEM_ROOT", "XDG_CACHE_HOME"):
        assert Path(given[name]).is_relative_to(tmp_path / "home")
        assert Path(given[name]).is_dir()


def test_localstack_listens_on_the_loopback_address_alone(tmp_path: Path) -> None:
    assert variables(tmp_path)["GATEWAY_LISTEN"] == "127.0.0.1:4567"


def test_functions_run_under_the_interpreter_given(tmp_path: Path) -> None:
    given = variables(tmp_path)
    assert given["LAMBDA_RUNTIME_EXECUTOR"] == "souk"
    assert given["SOUK_LAMBDA_PYTHON"] == "/r/python"


def test_the_command_uses_the_interpreter_of_localstacks_own_environment() -> None:
    assert command(Path("/l/python")) == ["/l/python", "-m", "localstack.runtime.main"]
