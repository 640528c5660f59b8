"""The `docker` command: whether it is there and answers, and how it is run."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping, Sequence

from souk_local.errors import StackError


def answers() -> bool:
    """Whether a Docker engine answers, and there is a compose client to speak to it."""
    return shutil.which("docker") is not None and run(["docker", "info"], patience=10).returncode == 0 and has_compose()


def has_compose() -> bool:
    """Whether `docker compose` (version 2, which waits for health) is installed."""
    return shutil.which("docker") is not None and run(["docker", "compose", "version"], patience=10).returncode == 0


def require_client() -> None:
    """Raise StackError unless engine and client are there: whoever asks for docker by name gets the reason."""
    if shutil.which("docker") is None:
        raise StackError("the docker engine needs the `docker` command, which isn't installed")
    engine = run(["docker", "info"], patience=10)
    if engine.returncode != 0:
        raise StackError(f"no Docker engine answers: {last_line(engine.stderr)}")
    if not has_compose():
        raise StackError("the docker engine needs `docker compose`, version 2; install Docker's compose plugin")


def compose_client() -> list[str] | None:
    """Find the compose client of this machine: the plugin, else the older program of its own."""
    if has_compose():
        return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else None


def checked(argv: Sequence[str], *, env: Mapping[str, str] | None = None, patience: float = 60) -> str:
    """Run a command that has to succeed and answer what it printed. Raises StackError with its last words."""
    done = run(argv, env=env, patience=patience)
    if done.returncode != 0:
        raise StackError(f"{' '.join(argv[:2])} failed: {last_line(done.stderr)}")
    return done.stdout


def run(
    argv: Sequence[str], *, env: Mapping[str, str] | None = None, patience: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command; one that takes too long, or can't be run at all, has failed."""
    try:
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=False, timeout=patience)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 1, stdout="", stderr=f"no answer in {patience:.0f} s")
    except OSError as error:
        return subprocess.CompletedProcess(argv, 1, stdout="", stderr=str(error))


def last_line(text: str) -> str:
    """Show the last thing a program said."""
    return (text.strip().splitlines() or ["no reason given"])[-1]
