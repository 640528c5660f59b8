"""The compose file: what it may contain, and how the docker engine speaks to the client."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from souk_local import credentials, docker
from souk_local.errors import StackError
from souk_local.layout import Layout
from souk_local.site import Site

DESCRIBED: dict[str, Any] = yaml.safe_load(docker.compose_file().read_text())
SERVICES: dict[str, dict[str, Any]] = DESCRIBED["services"]
EXACT = re.compile(r"[a-z0-9]+:\d+\.\d+(\.\d+)?(-[a-z]+)?")
MAPPED = re.compile(r"127\.0\.0\.1:\$\{SOUK_\w+_PORT:\?\}:(\d+|\$\{SOUK_\w+_PORT:\?\})")
GIVEN = re.compile(r"\$\{(\w+):\?\}")
FAKE = """\
#!/bin/sh
echo "$@" >> "{log}"
case "$*" in
  *"ps --all"*) cat "{folder}/containers" ;;
  *" up "*) if [ -e "{folder}/broken" ]; then echo "container x exited (1)" >&2; exit 1; fi ;;
  *" logs "*) echo "out of luck" ;;
esac
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    place = Layout(root=tmp_path, state=tmp_path / "state", tools=tmp_path / "tools", base=61_000)
    return Site(layout=place, credentials=credentials.load(tmp_path / "credentials.json"))


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `docker` that writes down how it was called and answers `ps` from a file."""
    program = tmp_path / "bin" / "docker"
    program.parent.mkdir()
    program.write_text(FAKE.format(log=tmp_path / "calls", folder=tmp_path))
    program.chmod(0o755)
    (tmp_path / "containers").touch()
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return tmp_path


def running(client: Path, site: Site, *services: str) -> None:
    name = docker.project(site.layout)
    lines = [f"{name}-{service}-1\t{service}\tsome:1.2\trunning\n" for service in services]
    (client / "containers").write_text("".join(lines))


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_is_pinned(name: str) -> None:
    assert EXACT.fullmatch(SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    assert all(MAPPED.fullmatch(mapping) for mapping in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_is_written_down(name: str) -> None:
    settings = SERVICES[name].get("environment", {})
    secret = {key: value for key, value in settings.items() if "PASS" in key or key.endswith("_AUTH")}
    assert all("_PASSWORD:?}" in value for value in secret.values())


def test_every_volume_has_a_name_of_its_own() -> None:
    mounted = [volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])]
    assert sorted(mounted) == sorted(DESCRIBED["volumes"])


def test_the_stack_gives_the_file_all_that_it_asks_for(site: Site) -> None:
    assert set(GIVEN.findall(docker.compose_file().read_text())) == set(docker.variables(site))


def test_every_service_belongs_to_a_store() -> None:
    assert sorted(SERVICES) == sorted(service for services in docker.SERVICES.values() for service in services)


def test_every_volume_belongs_to_a_store() -> None:
    assert sorted(DESCRIBED["volumes"]) == sorted(one for volumes in docker.VOLUMES.values() for one in volumes)


def test_a_compose_client_finds_no_fault() -> None:
    assert "compose.yaml" in docker.validate()


def test_two_checkouts_are_two_projects(site: Site) -> None:
    other = Layout(root=site.layout.root, state=site.layout.root / "other", tools=site.layout.tools, base=62_000)
    assert docker.project(other) != docker.project(site.layout)


def test_a_store_is_alive_only_with_all_its_containers(client: Path, site: Site) -> None:
    engine = docker.DockerEngine(site)
    running(client, site, *docker.SERVICES["redis"])
    assert engine.alive("redis")
    running(client, site, *docker.SERVICES["redis"][1:])
    assert not engine.alive("redis")


def test_starting_waits_for_health(client: Path, site: Site) -> None:
    docker.DockerEngine(site).start("postgres")
    assert re.search(r"compose .* up --detach --wait .* postgres$", (client / "calls").read_text(), re.MULTILINE)


def test_whoever_shares_a_network_that_is_gone_is_started_anew(client: Path, site: Site) -> None:
    running(client, site, *docker.SERVICES["redis"][:-1])
    docker.DockerEngine(site).start("redis")
    stopped, started = (client / "calls").read_text().splitlines()[1:]
    assert " stop redis-1 " in stopped
    assert " up " in started


def test_a_container_that_ends_is_told_with_its_last_words(client: Path, site: Site) -> None:
    (client / "broken").touch()
    with pytest.raises(StackError, match=r"mongo: .*exited \(1\)(.|\n)*out of luck"):
        docker.DockerEngine(site).start("mongo")


def test_what_docker_says_of_memory_is_understood() -> None:
    assert docker.amount("1.5MiB / 7.6GiB") == 1536 * 1024
    assert docker.amount("-- / --") == 0
