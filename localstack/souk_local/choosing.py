"""Which engine runs the stores here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from souk_local.native import NativeEngine

if TYPE_CHECKING:
    from souk_local.engine import Engine
    from souk_local.site import Site

ENGINES = ("native", "docker")
SOCKETS = (
    "/var/run/docker.sock",
    f"/run/user/{os.getuid()}/docker.sock",
    Path.home() / ".docker/run/docker.sock",
)


def choose(site: Site, wanted: str | None = None) -> Engine:
    """Return the engine asked for (`--engine`, STACK), else docker where a Docker engine answers, else native."""
    if wanted == "docker" or (wanted is None and docker_answers()):
        from souk_local.docker import DockerEngine

        return DockerEngine(site)
    return NativeEngine(site)


def docker_answers() -> bool:
    """Whether a Docker engine is there; the usual answer, no socket at all, costs nothing."""
    if "DOCKER_HOST" not in os.environ and not any(Path(place).exists() for place in SOCKETS):
        return False
    from souk_local import docker_client

    return docker_client.answers()
