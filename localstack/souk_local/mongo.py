"""MongoDB as SecantusDB serves it: the same wire protocol on WiredTiger; for development only."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from souk_local import install, processes, ready, users
from souk_local.layout import LOOPBACK
from souk_local.processes import Program

if TYPE_CHECKING:
    from pathlib import Path

    from souk_local.site import Site

TITLE = "MongoDB"
PORTS = ("mongo",)
PROCESSES = PORTS
WITHIN = 60.0
PACKAGES: Mapping[str, str] = {}
ACCOUNT = "souk"
VENV = "mongo"
OPLOG = 1_000_000_000
"""Entries and seconds of its oplog to keep, which nobody reads: a server that prunes it stops answering at 100,000."""
CHECKPOINT = 10
"""Seconds between checkpoints, each of which makes what was written evictable."""
CACHE = range(1, 5)
"""GiB of cache: a quarter of the machine's memory. It is a limit, which only the whole of the sample data comes near.

A fifth of it may be written and not yet checkpointed. Past that every thread has to help to evict, also one that holds
the server's lock, and then nobody is answered any more: seen at 84,000 products with 1 GiB and a checkpoint a minute.
"""
# {"hello": 1, "$db": "admin"} as an OP_MSG
HELLO_BODY = b"\x1f\x00\x00\x00\x10hello\x00\x01\x00\x00\x00\x02$db\x00\x06\x00\x00\x00admin\x00\x00"
HELLO = (21 + len(HELLO_BODY)).to_bytes(4, "little") + bytes(8) + b"\xdd\x07\x00\x00" + bytes(5) + HELLO_BODY


def url(site: Site, database: str) -> str:
    """Where a client connects; without retryable writes, which slow SecantusDB down after some thousands."""
    password = site.credentials.password("mongo")
    where = f"{LOOPBACK}:{site.port('mongo')}"
    return f"mongodb://{ACCOUNT}:{password}@{where}/{database}?authSource=admin&retryWrites=false"


def initialise(site: Site) -> None:
    """Create the account the first time: the server takes accounts only while it asks for none."""
    done = account_marker(site)
    if done.exists():
        return
    users.own_folder(site.layout.data("mongo"), None)
    record = processes.launch(program(site), site.layout)
    try:
        ready.wait(
            "mongo",
            lambda: glance(site),
            alive=lambda: processes.is_alive(record),
            tail=lambda: "",
            within=WITHIN,
        )
        create_account(site)
    finally:
        processes.stop(site.layout, "mongo")
    done.touch()


def account_marker(site: Site) -> Path:
    """Return the file that says the account was created."""
    return site.layout.data("mongo") / "account-created"


def create_account(site: Site) -> None:
    """Create the one account that all services use."""
    from pymongo import MongoClient

    client: MongoClient[dict[str, object]] = MongoClient(LOOPBACK, site.port("mongo"), directConnection=True)
    with client:
        roles = [{"role": "readWriteAnyDatabase", "db": "admin"}, {"role": "dbAdminAnyDatabase", "db": "admin"}]
        client.admin.command("createUser", ACCOUNT, pwd=site.credentials.password("mongo"), roles=roles)


def programs(site: Site) -> tuple[Program, ...]:
    """Return the server, which asks for a password."""
    return (program(site, "--auth"),)


def program(site: Site, *options: str) -> Program:
    """Return the server; it writes through to disk at every commit, as it loses acknowledged writes otherwise."""
    server = install.venv(site.layout, VENV) / "bin" / "secantusd-py"
    storage = site.layout.data("mongo") / "storage"
    fixed = (
        "--host",
        LOOPBACK,
        "--port",
        str(site.port("mongo")),
        "--storage-path",
        str(storage),
        "--cache-size",
        f"{cache()}G",
        "--oplog-max-entries",
        str(OPLOG),
        "--oplog-retention-seconds",
        str(OPLOG),
    )
    return Program(
        name="mongo",
        argv=(str(server), *fixed, "--sync-on-commit", *options),
        env={"SECANTUS_CHECKPOINT_SECONDS": str(CHECKPOINT)},
        ports=PORTS,
    )


def cache() -> int:
    """Return the GiB that it may keep in memory."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(max(CACHE[0], memory // 2**30 // 4), CACHE[-1])


def glance(site: Site) -> None:
    """Answer when it greets as MongoDB does."""
    ready.exchange(site.port("mongo"), HELLO)


probe = glance


def version(site: Site) -> str:
    """Return the version its virtual environment was made with."""
    return install.installed(site.layout, VENV, "secantusdb")


def prepare(site: Site, say: Callable[[str], None]) -> None:
    """Make the server's virtual environment."""
    install.virtual_environment(site.layout, VENV, say=say)


def fingerprint(site: Site) -> str:
    """Nothing to provision: databases come with their first document."""
    del site
    return ""


def provision(site: Site) -> None:
    """Nothing to provision."""
    del site
