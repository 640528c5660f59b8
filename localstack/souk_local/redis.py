"""Redis with a failover: one primary, two replicas and three sentinels that agree on who is primary."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from souk_local import ready, users
from souk_local.layout import LOOPBACK
from souk_local.processes import Program
from souk_local.ready import NotReady

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

    from souk_local.site import Site

TITLE = "Redis"
NODES = ("redis-1", "redis-2", "redis-3")
SENTINELS = ("sentinel-1", "sentinel-2", "sentinel-3")
PORTS = (*NODES, *SENTINELS)
PROCESSES = PORTS
WITHIN = 45.0
PACKAGES: Mapping[str, str] = {"redis-server": "/usr/bin/redis-server", "redis-sentinel": "/usr/bin/redis-sentinel"}
USER = "redis"
PRIMARY_NAME = "souk"
Reply: TypeAlias = "str | list[Reply]"
REPLICAS = len(NODES) - 1

# The log of changes keeps everything, and is written before a change is answered. While Redis itself has a disk put into
# effect what was written, as by `everysec`, it holds writes back for up to two seconds: a primary that is killed then and
# started at once lacks what was acknowledged, and its replicas follow it. Snapshots beside the log, the usual thing, would
# have all nodes write all carts anew in every minute of much shopping; so would the log, made anew whenever it has
# doubled, while it is short.
KEPT = """\
appendonly yes
appendfsync no
auto-aof-rewrite-min-size 256mb
save ""
"""
NODE = """\
{kept}\
bind 127.0.0.1
port {port}
dir {folder}
requirepass {password}
masterauth {password}
maxmemory-policy noeviction
replica-announce-ip 127.0.0.1
repl-diskless-sync-delay 0
{follow}"""
SENTINEL = """\
bind 127.0.0.1
port {port}
dir {folder}
sentinel announce-ip 127.0.0.1
sentinel monitor souk 127.0.0.1 {primary} 2
sentinel auth-pass souk {password}
sentinel down-after-milliseconds souk 1000
sentinel failover-timeout souk 5000
sentinel parallel-syncs souk 1
{known}"""
KNOWN = "sentinel known-replica souk 127.0.0.1 {port}\n"  # else it may take ten seconds to look for them
MONITOR = re.compile(r"^sentinel monitor souk \S+ (\d+) ", re.MULTILINE)
PORT = re.compile(r"^port (\d+)", re.MULTILINE)
EPOCH = re.compile(r"^sentinel config-epoch souk (\d+)", re.MULTILINE)


def url(site: Site) -> str:
    """Where a client asks for the primary."""
    sentinels = ",".join(f"{LOOPBACK}:{site.port(name)}" for name in SENTINELS)
    password = site.credentials.password("redis")
    return f"redis+sentinel://:{password}@{sentinels}/{PRIMARY_NAME}?replicas={REPLICAS}"


def prepare(site: Site, say: Callable[[str], None]) -> None:
    """Nothing: the Debian packages bring all of it."""
    del site, say


def initialise(site: Site) -> None:
    """Write the configuration of nodes that have none for these ports.

    Servers rewrite theirs after a failover, and that stays.
    """
    first = primary(site)
    users.own_folder(site.layout.data("redis"), USER)
    for name in PORTS:
        folder = users.own_folder(site.layout.data("redis") / name, USER)
        if port_in(config(site, name)) != site.port(name):
            users.secret_file(config(site, name), configured(site, name, folder, site.port(first)), USER)


def config(site: Site, name: str) -> Path:
    """Return the configuration file of a node or sentinel."""
    return site.layout.data("redis") / name / "redis.conf"


def port_in(configuration: Path) -> int | None:
    """Return the port that a configuration names; None when there is none yet."""
    found = PORT.search(configuration.read_text()) if configuration.exists() else None
    return int(found[1]) if found else None


def configured(site: Site, name: str, folder: Path, first: int) -> str:
    """Return the first configuration of a node or sentinel."""
    port, password = site.port(name), site.credentials.password("redis")
    if name in SENTINELS:
        known = "".join(KNOWN.format(port=site.port(one)) for one in NODES if site.port(one) != first)
        return SENTINEL.format(port=port, folder=folder, password=password, primary=first, known=known)
    follow = "" if port == first else f"replicaof 127.0.0.1 {first}\n"
    return NODE.format(port=port, folder=folder, password=password, kept=KEPT, follow=follow)


def primary(site: Site) -> str:
    """Return the node that running sentinels name, else the one their files last agreed on, else the first."""
    nodes = {site.port(name): name for name in NODES}
    for name in SENTINELS:
        try:
            return nodes[asked(site.port(name))]
        except (NotReady, KeyError):
            continue
    return remembered(site) or NODES[0]


def asked(sentinel: int) -> int:
    """Tell what one sentinel says."""
    answer = talk(sentinel, None, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY_NAME)
    if len(answer) != len(("address", "port")):
        raise NotReady(f"sentinel on port {sentinel} knows no primary")
    return int(str(answer[1]))


def remembered(site: Site) -> str | None:
    """Return the primary of the newest failover that a sentinel wrote down, whatever ports were used then."""
    files = [config(site, name) for name in SENTINELS]
    notes = [path.read_text() for path in files if path.exists()]
    seen = [(epoch_of(note), int(found[1])) for note in notes if (found := MONITOR.search(note))]
    nodes = {port_in(config(site, name)): name for name in NODES}
    return nodes.get(max(seen)[1]) if seen else None


def epoch_of(note: str) -> int:
    """Return the number of the failover that a sentinel's file tells of."""
    found = EPOCH.search(note)
    return int(found[1]) if found else 0


def programs(site: Site) -> tuple[Program, ...]:
    """Nodes, then sentinels; a node that isn't the primary any more is told so, so that there never are two."""
    first = site.port(primary(site))
    nodes = [node(site, name, first) for name in NODES]
    sentinels = [program(site, name, "--sentinel") for name in SENTINELS]
    return (*nodes, *sentinels)


def node(site: Site, name: str, first: int) -> Program:
    """Return a node with the part that it has to play under the primary at port `first`."""
    role = ("no", "one") if site.port(name) == first else (LOOPBACK, str(first))
    return program(site, name, "--replicaof", *role)


def program(site: Site, name: str, *options: str) -> Program:
    """Return a node or sentinel with its configuration."""
    argv = ("/usr/bin/redis-server", str(config(site, name)), *options)
    return Program(name=name, argv=argv, user=USER, ports=(name,))


def glance(site: Site) -> None:
    """Answer when a sentinel names a primary and that takes writes."""
    port = asked(site.port(SENTINELS[0]))
    if "role:master" not in replication(site, port):
        raise NotReady(f"redis on port {port} isn't primary yet")


def probe(site: Site) -> None:
    """Answer when every sentinel names one primary and knows all others, so that a failover would work at once."""
    named = {asked(site.port(name)) for name in SENTINELS}
    if len(named) != 1:
        raise NotReady("the sentinels don't agree on a primary yet")
    told = replication(site, named.pop())
    if "role:master" not in told or told.count("state=online") < REPLICAS:
        raise NotReady("replicas are still catching up")
    for name in SENTINELS:
        if known(site.port(name)) != (REPLICAS, len(SENTINELS) - 1):
            raise NotReady(f"{name} is still looking for the others")


def known(sentinel: int) -> tuple[int, int]:
    """How many replicas and how many other sentinels one sentinel knows."""
    words = talk(sentinel, None, "SENTINEL", "MASTER", PRIMARY_NAME)
    told = dict(zip(map(str, words[::2]), words[1::2], strict=True))
    return int(str(told["num-slaves"])), int(str(told["num-other-sentinels"]))


def replication(site: Site, port: int) -> str:
    """Tell what a node says of its part."""
    return str(talk(port, site.credentials.password("redis"), "INFO", "replication"))


def version(site: Site) -> str:
    """Return the server's version, as its binary says it."""
    del site
    said = subprocess.run(["/usr/bin/redis-server", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"v=(\S+)", said)
    return found[1] if found else ""


def talk(port: int, password: str | None, *words: str) -> Reply:
    """One command in Redis's protocol and its answer."""
    commands = [*([("AUTH", password)] if password else []), words]
    try:
        with ready.connect(port) as wire, wire.makefile("rb") as answers:
            wire.sendall(b"".join(encoded(command) for command in commands))
            return [reply(answers) for _ in commands][-1]
    except (OSError, ValueError) as error:
        raise NotReady(f"redis on port {port}: {error}") from error


def encoded(words: tuple[str, ...]) -> bytes:
    """Return a command as Redis's protocol has it."""
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(parts)}".encode()


def reply(answers: BufferedReader) -> Reply:
    """Read one answer; an error in it is a server that isn't ready."""
    head = answers.readline().rstrip()
    kind, rest = head[:1], head[1:].decode()
    if kind == b"*":
        return [reply(answers) for _ in range(int(rest))]
    if kind == b"$":
        return answers.read(int(rest) + 2)[:-2].decode()
    if kind not in (b"+", b":"):
        raise NotReady(rest or "the connection was closed")
    return rest


def fingerprint(site: Site) -> str:
    """Nothing to provision: its configuration brings the account."""
    del site
    return ""


def provision(site: Site) -> None:
    """Nothing to provision."""
    del site
