"""What all tests share: the test stack, which has its own state and its own ports beside the one people use."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pytest_socket import disable_socket, enable_socket

from souk.stages import SERVE

ROOT = Path(__file__).resolve().parents[1]
BASE = os.environ.get("SOUK_TEST_PORT_BASE", "8140")
HOME = os.environ.get("SOUK_TEST_HOME", str(ROOT / ".souk" / "test"))
SOUK = Path(sys.executable).with_name("souk")
DATABASES = ("postgres", "mongo", "search", "graph", "redis", "rabbitmq")


def pytest_configure() -> None:
    """Point everything a test starts at the test stack."""
    os.environ["SOUK_PORT_BASE"] = BASE
    os.environ["SOUK_HOME"] = HOME
    # How long an example takes is no promise: a busy machine may stand still for a while.
    settings.register_profile("souk", deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.load_profile("souk")


@pytest.fixture(autouse=True)
def _sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave unit tests without a network."""
    if "unit" in request.path.parts and request.node.get_closest_marker("enable_socket") is None:
        disable_socket(allow_unix_socket=True)
    yield
    enable_socket()


def souk(*arguments: str, timeout: float = 600) -> str:
    """Run a `souk` command against the test stack and return what it printed; what went wrong fails the test."""
    run = subprocess.run([SOUK, *arguments], cwd=ROOT, text=True, capture_output=True, timeout=timeout, check=False)
    assert run.returncode == 0, f"souk {' '.join(arguments)} failed:\n{run.stdout}\n{run.stderr}"
    return run.stdout


@pytest.fixture(scope="session")
def stores() -> dict[str, str]:
    """The databases of the test stack, running and migrated; their settings stand in the environment."""
    from souk.postgres import Database
    from souk_local import settings, stack

    souk("up", *DATABASES)
    souk("down", "bridge")  # nobody else sends what tests look for in the outboxes
    connections = settings.connections(stack.here())
    os.environ.update(connections)
    os.environ["SOUK_STAGE"] = SERVE
    souk("migrate")
    for service in ("admin", "customer"):  # an earlier run's failures would keep this one from signing in
        with Database(service).reading() as session:
            session.run("DELETE FROM sign_in_failures")
    return connections
