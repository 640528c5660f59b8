"""The docker engine: the stores as containers of `localstack/compose.yaml`, one project per checkout."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from souk_local import checks, credentials, layout
from souk_local.docker_client import checked, compose_client, last_line, require_client, run
from souk_local.engine import Running
from souk_local.errors import StackError
from souk_local.site import Site
from souk_local.store import OPTIONAL

if TYPE_CHECKING:
    from souk_local.layout import Layout

SERVICES: Mapping[str, tuple[str, ...]] = {
    "postgres": ("postgres",),
    "mongo": ("mongo",),
    "search": ("search",),
    "graph": ("graph",),
    "redis": ("redis-1", "redis-2", "redis-3", "sentinel-1", "sentinel-2", "sentinel-3", "redis-network"),
    "rabbitmq": ("rabbitmq",),
}
"""The services of each store in the compose file, the main one first."""
OWNERS: Mapping[str, str] = {"redis": "redis-network"}
"""The service whose network the others of a store share: when it starts anew, they have to."""
LISTENERS: Mapping[str, tuple[str, ...]] = {
    **{store: services for store, services in SERVICES.items() if store != "redis"},
    "redis": SERVICES["redis"][:-1],
    "rabbitmq": ("rabbitmq", "rabbitmq-management"),
}
"""The ports that each store publishes."""
PASSWORDS = ("postgres", "mongo", "search", "graph", "redis", "rabbitmq")
VOLUMES: Mapping[str, tuple[str, ...]] = {
    **{store: services for store, services in SERVICES.items() if store != "redis"},
    "redis": SERVICES["redis"][:-1],
    "mongo": ("mongo", "mongo-key"),
}
DATA: Mapping[str, str] = {
    "postgres": "/var/lib/postgresql/data",
    "mongo": "/data/db",
    "search": "/usr/share/elasticsearch/data",
    "graph": "/data",
    "redis": "/data",
    "rabbitmq": "/var/lib/rabbitmq",
}
PROJECT_LABEL, SERVICE_LABEL = "com.docker.compose.project", "com.docker.compose.service"
UNITS: Mapping[str, int] = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
PATIENCE = 180
PULL_PATIENCE = 1800
LAST_LINES = 15
FRESH = 5.0
"""Seconds for which what `docker stats` said is good enough; asking takes two."""


class Container(Struct, frozen=True, kw_only=True):
    """A container of this checkout, as `docker ps` tells of it."""

    name: str
    service: str
    image: str
    state: str


class DockerEngine:
    """Runs each store as containers."""

    name = "docker"

    def __init__(self, site: Site) -> None:
        self.site = site
        self.project = project(site.layout)
        self.stats: tuple[float, Mapping[str, int]] = (-FRESH, {})

    def prepare(self, stores: Sequence[str], *, say: Callable[[str], None]) -> Mapping[str, str]:
        """Pull the images that aren't here, and create network, volumes and containers."""
        require_client()
        lost: dict[str, str] = {}
        for store in stores:
            try:
                self.pull(store, say)
            except StackError as error:
                if store not in OPTIONAL:
                    raise
                lost[store] = str(error)
        found = [service for store in stores if store not in lost for service in SERVICES[store]]
        if found:
            self.compose("create", "--no-recreate", *found)
        return lost

    def pull(self, store: str, say: Callable[[str], None]) -> None:
        """Get the store's image, once."""
        image = images()[SERVICES[store][0]]
        if run(["docker", "image", "inspect", image]).returncode != 0:
            say(f"pulling the container image {image}")
            done = run(["docker", "pull", "--quiet", image], patience=PULL_PATIENCE)
            if done.returncode != 0:
                raise StackError(f"{store}: the image {image} can't be pulled: {last_line(done.stderr)}")

    def alive(self, store: str) -> bool:
        """Whether every container of the store runs."""
        running = {one.service for one in self.containers(store) if one.state == "running"}
        return running == set(SERVICES[store])

    def start(self, store: str) -> None:
        """Start its containers and wait for their health checks, which find what a port doesn't tell."""
        found = {one.service: one.state for one in self.containers(store)}
        if "running" not in found.values():
            checks.ports({name: self.site.port(name) for name in LISTENERS[store]})
        if store in OWNERS and found.get(OWNERS[store]) != "running":
            self.compose("stop", *SERVICES[store])
        try:
            self.compose("up", "--detach", "--wait", f"--wait-timeout={PATIENCE}", *SERVICES[store])
        except StackError as error:
            raise StackError(f"{store}: {error}; its last words:\n{self.tail(store, LAST_LINES)}") from error

    def stop(self, store: str) -> None:
        """End its containers in order; they and their volumes stay."""
        if any(one.state == "running" for one in self.containers(store)):
            self.compose("stop", *SERVICES[store])

    def look(self, store: str) -> Running:
        """Tell what runs, and how big it is in memory and on disk."""
        found = self.containers(store)
        running = [one for one in found if one.state == "running"]
        memory = self.memory() if running else {}
        return Running(
            where=tuple(one.name for one in running),
            version=(found[0].image if found else images()[SERVICES[store][0]]).rpartition(":")[2],
            memory=sum(memory.get(one.name, 0) for one in running),
            data=sum(size(one.name, DATA[store]) for one in running if one.service in VOLUMES[store]),
        )

    def tail(self, store: str, lines: int) -> str:
        """Show the last lines of each of its containers."""
        return self.compose("logs", "--no-color", f"--tail={lines}", *SERVICES[store]).rstrip()

    def logs(self, stores: Sequence[str], *, lines: int, follow: bool) -> Iterator[str]:
        """Read the logs of these stores, each line with its container's name in front."""
        services = [service for store in stores for service in SERVICES[store]]
        words = ["logs", "--no-color", f"--tail={lines}", *(["--follow"] if follow else []), *services]
        with subprocess.Popen(self.argv(*words), env=self.environment(), stdout=subprocess.PIPE, text=True) as reader:
            try:
                yield from (line.rstrip("\n") for line in reader.stdout or ())
            finally:
                reader.terminate()

    def wipe(self, store: str) -> None:
        """Remove the containers and the volumes of a store that is down."""
        self.compose("rm", "--force", "--stop", *SERVICES[store])
        names = [f"{self.project}_{volume}" for volume in VOLUMES[store]]
        checked(["docker", "volume", "rm", "--force", *names])

    def containers(self, store: str) -> list[Container]:
        """List the store's containers, in the order of SERVICES."""
        fields = {
            "name": "{{.Names}}",
            "service": f'{{{{.Label "{SERVICE_LABEL}"}}}}',
            "image": "{{.Image}}",
            "state": "{{.State}}",
        }
        shape = "\t".join(fields.values())
        told = checked(["docker", "ps", "--all", f"--filter=label={PROJECT_LABEL}={self.project}", f"--format={shape}"])
        found = [Container(**dict(zip(fields, line.split("\t"), strict=True))) for line in told.splitlines()]
        mine = [one for one in found if one.service in SERVICES[store]]
        return sorted(mine, key=lambda one: SERVICES[store].index(one.service))

    def memory(self) -> Mapping[str, int]:
        """Tell the resident bytes of each running container."""
        asked, told = self.stats
        if time.monotonic() - asked > FRESH:
            said = checked(["docker", "stats", "--no-stream", "--format={{.Name}}\t{{.MemUsage}}"])
            told = {name: amount(used) for name, used in (line.split("\t") for line in said.splitlines())}
            self.stats = (time.monotonic(), told)
        return told

    def compose(self, *words: str) -> str:
        """Run a compose command on this checkout's project and answer what it printed. Raises StackError."""
        return checked(self.argv(*words), env=self.environment(), patience=PATIENCE + 60)

    def argv(self, *words: str) -> list[str]:
        """Word a compose command; the file needs nothing but the environment, so no .env of the user's is read."""
        fixed = ["--project-name", self.project, "--file", str(compose_file()), "--env-file", os.devnull]
        return ["docker", "compose", *fixed, *words]

    def environment(self) -> dict[str, str]:
        """Add what the compose file asks for to our own environment."""
        return {**os.environ, **variables(self.site)}


def variables(site: Site) -> dict[str, str]:
    """Give the compose file the values it asks for."""
    ports = {f"SOUK_{shout(name)}_PORT": str(site.port(name)) for names in LISTENERS.values() for name in names}
    passwords = {f"SOUK_{shout(name)}_PASSWORD": site.credentials.password(name) for name in PASSWORDS}
    return {**ports, **passwords}


def shout(name: str) -> str:
    """Write a name as environment variables have it."""
    return name.upper().replace("-", "_")


def project(place: Layout) -> str:
    """Name the compose project of a checkout; its containers, network and volumes carry this name."""
    return f"souk-{hashlib.sha256(str(place.state).encode()).hexdigest()[:8]}"


def compose_file() -> Path:
    """Find the committed compose file."""
    return layout.checkout() / "localstack" / "compose.yaml"


def images() -> dict[str, str]:
    """Read the image of each service."""
    import yaml

    described = yaml.safe_load(compose_file().read_text())["services"]
    return {name: str(service["image"]) for name, service in described.items()}


def validate() -> str:
    """Let a compose client check the file, and say what came out; needs no engine. Raises StackError when it is bad."""
    client = compose_client()
    if client is None:
        return "compose.yaml: not checked by a compose client, as there is none"
    secrets = credentials.Credentials(passwords=dict.fromkeys(credentials.PASSWORDS, "0" * 32), signing_keys={})
    example = Site(layout=layout.find({"SOUK_HOME": os.devnull, "SOUK_TOOLS": os.devnull}), credentials=secrets)
    checked([*client, "--file", str(compose_file()), "config"], env={**os.environ, **variables(example)})
    return f"compose.yaml: `{' '.join(client)} config` finds no fault"


def size(container: str, folder: str) -> int:
    """Bytes below a folder of a running container."""
    done = run(["docker", "exec", container, "du", "-sk", folder])
    kibibytes = done.stdout.partition("\t")[0]
    return int(kibibytes) * 1024 if kibibytes.isdigit() else 0


def amount(used: str) -> int:
    """Count the bytes of `23.4MiB / 7.6GiB`."""
    text = used.partition(" / ")[0].strip()
    unit = text.lstrip("0123456789.")
    return int(float(text.removesuffix(unit)) * UNITS.get(unit, 0)) if text != unit else 0


if __name__ == "__main__":
    try:
        print(validate())
    except StackError as error:
        raise SystemExit(str(error)) from None
