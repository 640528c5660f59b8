"""The local gateway: nginx in front of LocalStack, one origin with a base path per service, and the API reference."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from souk_local import docs, layout, nginx, proc, processes, ready, users
from souk_local.docs import docs_page
from souk_local.errors import StackError
from souk_local.processes import Program
from souk_local.ready import NotReady
from souk_local.services import SERVICES

if TYPE_CHECKING:
    from pathlib import Path

    from souk_local.layout import Layout
    from souk_local.site import Site

__all__ = ["docs_page", "write_routes"]

TITLE = "Gateway"
PORTS = ("gateway",)
PROCESSES = PORTS
WITHIN = 20.0
USER = "www-data"
SERVER = "/usr/sbin/nginx"
PACKAGES: Mapping[str, str] = {"nginx-light": SERVER}
LEAVING = "shutting down"
"""What nginx calls a worker that only ends what it has begun."""
API_ID = re.compile(r"[A-Za-z0-9]{1,64}")


def prepare(site: Site, say: Callable[[str], None]) -> None:
    """Fetch the files of the API reference page."""
    docs.fetch(site.layout, say=say)


def initialise(site: Site) -> None:
    """Write the configuration, the routes known from the last deployment, and the pages."""
    home = users.own_folder(folder(site.layout), USER)
    users.own_folder(home / "tmp", USER)
    users.secret_file(home / "nginx.conf", nginx.render(site.layout, routes(site.layout)), USER)
    renew(site.layout)


def folder(place: Layout) -> Path:
    """Return where the gateway keeps its files; all of them can be made again."""
    return place.data("gateway")


def programs(site: Site) -> tuple[Program, ...]:
    """Give the server; it ends open connections in order on SIGQUIT, which a developer's `down` need not wait for."""
    home = folder(site.layout)
    argv = (SERVER, "-e", "stderr", "-p", f"{home}/", "-c", str(home / "nginx.conf"))
    return (Program(name="gateway", argv=argv, user=USER, cwd=home, ports=PORTS),)


def glance(site: Site) -> None:
    """Return when it answers, else raise NotReady."""
    ready.get(site.port("gateway"), "/")


probe = glance


def version(site: Site) -> str:
    """Return the server's version, as its binary says it."""
    del site
    said = subprocess.run([SERVER, "-v"], capture_output=True, text=True, check=False).stderr
    return said.strip().rpartition("/")[2]


def fingerprint(site: Site) -> str:
    """Return nothing: there is nothing to provision."""
    del site
    return ""


def provision(site: Site) -> None:
    """Do nothing: there is nothing to provision."""
    del site


def write_routes(api_ids: Mapping[str, str], *, place: Layout | None = None) -> None:
    """Send each service's base path to its REST API from now on; a gateway that runs has changed over on return.

    Raises StackError for a name that is no service's, or an id that can't be one.
    """
    place = place or layout.find()
    wrong = [name for name, one in api_ids.items() if name not in SERVICES or not API_ID.fullmatch(one)]
    if wrong:
        raise StackError(f"gateway: no service, or no id of a REST API: {', '.join(wrong)}")
    note = place.state / "gateway.json"
    draft = note.with_suffix(".draft")
    draft.write_text(json.dumps(dict(api_ids), indent=2) + "\n")
    draft.replace(note)
    reload(place)


def routes(place: Layout) -> dict[str, str]:
    """Return the REST API of each deployed service."""
    try:
        return msgspec.json.decode((place.state / "gateway.json").read_bytes(), type=dict[str, str])
    except FileNotFoundError:
        return {}
    except msgspec.DecodeError as error:
        raise StackError(f"{place.state / 'gateway.json'} is damaged ({error}); deploy again") from error


def reload(place: Layout) -> None:
    """Let a running gateway take up new routes and pages, and wait until it has."""
    record = processes.record_of(place, "gateway")
    if record is None:
        return
    users.secret_file(folder(place) / "nginx.conf", nginx.render(place, routes(place)), USER)
    renew(place)
    old = proc.descendants(record.pid)[1:]
    processes.tell([record], signal.SIGHUP)
    ready.wait(
        "gateway",
        lambda: changed_over(place, old),
        alive=lambda: processes.is_alive(record),
        tail=lambda: place.log("gateway").read_text()[-2000:],
        within=WITHIN,
    )


def changed_over(place: Layout, old: Sequence[int]) -> None:
    """Return when none of the old workers takes requests any more and a new one does, else raise NotReady."""
    if any(proc.stat(worker) and LEAVING not in proc.command(worker) for worker in old):
        raise NotReady("the old routes are still in use")
    if json.loads(ready.get(place.port("gateway"), "/"))["revision"] != nginx.revision(routes(place)):
        raise NotReady("the new routes are not in use; is the configuration refused?")


def renew(place: Layout) -> None:
    """Write the routes and the pages as they are now."""
    home = folder(place)
    users.secret_file(home / "routes.conf", nginx.render_routes(routes(place)), USER)
    docs.publish(place, home / "pages")
