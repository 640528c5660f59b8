"""PostgreSQL 15: one database per service, with an owner, an app and a relay role in each."""

from __future__ import annotations

import hashlib
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from souk_local import ready, users
from souk_local.credentials import ROLES
from souk_local.errors import StackError
from souk_local.layout import LOOPBACK
from souk_local.processes import Program, become
from souk_local.ready import NotReady
from souk_local.services import SQL_SERVICES

if TYPE_CHECKING:
    from psycopg2.extensions import connection, cursor

    from souk_local.site import Site

TITLE = "PostgreSQL"
PORTS = ("postgres",)
PROCESSES = PORTS
WITHIN = 60.0
BIN = Path("/usr/lib/postgresql/15/bin")
PACKAGES: Mapping[str, str] = {"postgresql": str(BIN / "postgres")}
USER = "postgres"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "max_connections": "300",
    "shared_buffers": "128MB",
    "unix_socket_directories": "",
    "timezone": "UTC",
    "jit": "off",
    "log_line_prefix": "%m [%p] %u@%d ",
}
ACCESS = "# Over TCP from this machine, with a password; nothing else.\nhost all all 127.0.0.1/32 scram-sha-256\n"

TIMEOUTS: Mapping[str, Mapping[str, str]] = {
    "owner": {"lock_timeout": "10s", "idle_in_transaction_session_timeout": "60s"},
    "app": {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "10s"},
    "relay": {"statement_timeout": "10s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "15s"},
}
HAS_ROLE = "SELECT FROM pg_roles WHERE rolname = %s"
HAS_DATABASE = "SELECT FROM pg_database WHERE datname = %s"
NEW_ROLE = "CREATE ROLE {name} LOGIN"
NEW_DATABASE = "CREATE DATABASE {name} OWNER {owner}"
PASSWORD = "ALTER ROLE {name} PASSWORD {password}"  # noqa: S105 - a statement
TIMEOUT = "ALTER ROLE {name} SET {setting} = {value}"
GRANTS = (
    "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
    "GRANT CONNECT ON DATABASE {database} TO {owner}, {app}, {relay}",
    "ALTER SCHEMA public OWNER TO {owner}",
    "GRANT USAGE ON SCHEMA public TO {app}, {relay}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {app}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {app}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {app}",
)
# The protocol's request for TLS, which every PostgreSQL that takes connections answers by one letter.
TLS_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


def database(service: str) -> str:
    """Return the name of a service's database."""
    return f"souk_{service}"


def url(site: Site, service: str, role: str) -> str:
    """Return the address of a service's database for one of its roles."""
    name = f"{service}_{role}"
    password = site.credentials.password(name)
    return f"postgresql://{name}:{password}@{LOOPBACK}:{site.port('postgres')}/{database(service)}"


def prepare(site: Site, say: Callable[[str], None]) -> None:
    """Nothing: the Debian packages bring all of it."""
    del site, say


def initialise(site: Site) -> None:
    """Make the cluster the first time."""
    data = site.layout.data("postgres")
    if (data / "PG_VERSION").exists():
        return
    users.own_folder(data, USER)
    secret = users.secret_file(data.with_name("postgres.password"), site.credentials.password("postgres"), USER)
    try:
        create_cluster(data, secret)
    finally:
        secret.unlink()
    (data / "pg_hba.conf").write_text(ACCESS)


def create_cluster(data: Path, secret: Path) -> None:
    """Run initdb; it leaves nothing behind when it fails."""
    options = [
        "--username=postgres",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--no-instructions",
    ]
    argv = [*become(USER), str(BIN / "initdb"), f"--pgdata={data}", f"--pwfile={secret}", *options]
    made = subprocess.run(argv, capture_output=True, text=True, check=False, cwd="/")
    if made.returncode != 0:
        raise StackError(f"postgres: initdb failed: {made.stderr.strip()}")


def programs(site: Site) -> tuple[Program, ...]:
    """Return the server; a fast shutdown (SIGINT) ends sessions and keeps every commit."""
    settings = {**SETTINGS, "port": str(site.port("postgres"))}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    argv = (str(BIN / "postgres"), "-D", str(site.layout.data("postgres")), *options)
    return (Program(name="postgres", argv=argv, user=USER, stop_signal=signal.SIGINT, ports=PORTS),)


def glance(site: Site) -> None:
    """Answer when something that speaks PostgreSQL listens."""
    ready.exchange(site.port("postgres"), TLS_REQUEST)


def probe(site: Site) -> None:
    """Answer when the server takes sessions."""
    import psycopg2

    glance(site)
    try:
        superuser(site, "postgres").close()
    except psycopg2.OperationalError as error:
        raise NotReady(str(error).strip()) from error


def version(site: Site) -> str:
    """Return the server's version, as its binary says it."""
    del site
    said = subprocess.run([str(BIN / "postgres"), "--version"], capture_output=True, text=True, check=False).stdout
    return said.split()[2] if said else ""


def superuser(site: Site, name: str) -> connection:
    """Return a session of the superuser in a database, each statement its own transaction."""
    import psycopg2

    session: connection = psycopg2.connect(
        host=LOOPBACK,
        port=site.port("postgres"),
        user="postgres",
        password=site.credentials.password("postgres"),
        dbname=name,
        connect_timeout=3,
    )
    session.autocommit = True
    return session


def fingerprint(site: Site) -> str:
    """Differs when databases, roles, timeouts or passwords have to be set again."""
    passwords = [site.credentials.password(f"{service}_{role}") for service in SQL_SERVICES for role in ROLES]
    return hashlib.sha256(repr((passwords, TIMEOUTS, GRANTS)).encode()).hexdigest()


def provision(site: Site) -> None:
    """Create or correct every database and role; may be run at any time."""
    with closing(superuser(site, "postgres")) as session, session.cursor() as run:
        for service in SQL_SERVICES:
            for role in ROLES:
                settle_role(run, f"{service}_{role}", site, TIMEOUTS[role])
            settle_database(run, service)
    for service in SQL_SERVICES:
        with closing(superuser(site, database(service))) as session, session.cursor() as run:
            settle_grants(run, service)


def settle_role(run: cursor, name: str, site: Site, timeouts: Mapping[str, str]) -> None:
    """Make one role, its password and its time limits as they should be."""
    run.execute(HAS_ROLE, (name,))
    if run.fetchone() is None:
        execute(run, NEW_ROLE, name=name)
    execute(run, PASSWORD, name=name, _password=site.credentials.password(name))
    for setting, value in timeouts.items():
        execute(run, TIMEOUT, name=name, setting=setting, _value=value)


def settle_database(run: cursor, service: str) -> None:
    """Make one service's database."""
    run.execute(HAS_DATABASE, (database(service),))
    if run.fetchone() is None:
        execute(run, NEW_DATABASE, name=database(service), owner=f"{service}_owner")


def settle_grants(run: cursor, service: str) -> None:
    """Let the owner make the schema, the app use its rows, and nobody else in."""
    names = {role: f"{service}_{role}" for role in ROLES}
    for statement in GRANTS:
        execute(run, statement, database=database(service), **names)


def execute(run: cursor, statement: str, **names: str) -> None:
    """Run a statement with its names quoted as identifiers, those with a leading underscore as literals."""
    from psycopg2 import sql

    quoted = {n.lstrip("_"): sql.Literal(v) if n.startswith("_") else sql.Identifier(v) for n, v in names.items()}
    run.execute(sql.SQL(statement).format(**quoted))
