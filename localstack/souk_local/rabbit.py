"""RabbitMQ 3.10 with its management pages, and a port mapper (epmd) of its own."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from souk_local import ready, users
from souk_local.layout import LOOPBACK
from souk_local.processes import Program

if TYPE_CHECKING:
    from souk_local.site import Site

TITLE = "RabbitMQ"
PORTS = ("rabbitmq", "rabbitmq-management", "rabbitmq-dist", "epmd")
PROCESSES = ("epmd", "rabbitmq")
WITHIN = 120.0
SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
PACKAGES: Mapping[str, str] = {"rabbitmq-server": str(SERVER)}
USER = "rabbitmq"
ACCOUNT = "souk"

CONFIG = """\
listeners.tcp.1 = 127.0.0.1:{amqp}
management.tcp.ip = 127.0.0.1
management.tcp.port = {management}
default_vhost = /
default_user = souk
default_pass = {password}
default_user_tags.administrator = true
vm_memory_high_watermark.absolute = 512MiB
disk_free_limit.absolute = 200MB
consumer_timeout = 86400000
management.rates_mode = basic
log.file = false
log.console = true
log.console.use_colors = off
log.console.level = warning
"""


def url(site: Site) -> str:
    """Where a client connects."""
    password = urllib.parse.quote(site.credentials.password("rabbitmq"), safe="")
    return f"amqp://{ACCOUNT}:{password}@{LOOPBACK}:{site.port('rabbitmq')}/%2F"


def prepare(site: Site, say: Callable[[str], None]) -> None:
    """Nothing: the Debian packages bring all of it."""
    del site, say


def initialise(site: Site) -> None:
    """Write the configuration, the plugins and the cookie that its tools present."""
    home = users.own_folder(site.layout.data("rabbitmq"), USER)
    ports = {"amqp": site.port("rabbitmq"), "management": site.port("rabbitmq-management")}
    config = CONFIG.format(**ports, password=site.credentials.password("rabbitmq"))
    users.secret_file(home / "rabbitmq.conf", config, USER)
    users.secret_file(home / "enabled_plugins", "[rabbitmq_management].\n", USER)
    cookie = users.secret_file(home / ".erlang.cookie", site.credentials.password("rabbitmq-cookie"), USER)
    cookie.chmod(0o400)
    users.own_folder(home / "mnesia", USER)


def programs(site: Site) -> tuple[Program, ...]:
    """Return the port mapper first; the server would start one that nobody ends."""
    home = site.layout.data("rabbitmq")
    epmd = ("/usr/bin/epmd", "-address", LOOPBACK, "-port", str(site.port("epmd")))
    return (
        Program(name="epmd", argv=epmd, user=USER, cwd=home, ports=("epmd",)),
        Program(
            name="rabbitmq",
            argv=(str(SERVER),),
            env=environment(site),
            user=USER,
            cwd=home,
            ports=("rabbitmq", "rabbitmq-management", "rabbitmq-dist"),
        ),
    )


def environment(site: Site) -> dict[str, str]:
    """Tell what keeps the server, and its tools, inside the stack's folder and on its ports."""
    home = site.layout.data("rabbitmq")
    return {
        "HOME": str(home),
        "RUNNING_UNDER_SYSTEMD": "true",  # its script then becomes the server instead of waiting for it
        "RABBITMQ_NODENAME": "souk@localhost",  # its data are found by this name; a port mapper of its own keeps it apart
        "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
        "RABBITMQ_NODE_PORT": str(site.port("rabbitmq")),
        "RABBITMQ_DIST_PORT": str(site.port("rabbitmq-dist")),
        "RABBITMQ_MNESIA_BASE": str(home / "mnesia"),
        "RABBITMQ_LOG_BASE": str(home),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "enabled_plugins"),
        "RABBITMQ_CONFIG_FILE": str(home / "rabbitmq.conf"),
        "RABBITMQ_GENERATED_CONFIG_DIR": str(home / "generated"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +sbwt none +sbwtdcpu none +sbwtdio none +S 1:1",
        "ERL_EPMD_PORT": str(site.port("epmd")),
        "ERL_EPMD_ADDRESS": LOOPBACK,
    }


def glance(site: Site) -> None:
    """Answer when its management says that it takes AMQP connections; one of ours would be noise in its log."""
    ask(site, "protocol-listener/amqp")


def probe(site: Site) -> None:
    """Answer when it takes connections and no alarm blocks those that publish."""
    glance(site)
    ask(site, "local-alarms")


def ask(site: Site, check: str) -> None:
    """Return when one of its own health checks is passed."""
    pair = f"{ACCOUNT}:{site.credentials.password('rabbitmq')}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    ready.get(site.port("rabbitmq-management"), f"/api/health/checks/{check}", headers)


def version(site: Site) -> str:
    """Return the server's version, from the folder its Debian package brings."""
    del site
    folders = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*"))
    return folders[-1].name.partition("-")[2] if folders else ""


def fingerprint(site: Site) -> str:
    """Nothing to provision: its configuration brings the account."""
    del site
    return ""


def provision(site: Site) -> None:
    """Nothing to provision."""
    del site
