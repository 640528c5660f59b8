"""The stores behind the services' back: each question over a connection of its own, by the bench's own SQL and commands."""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

SECONDS = 5.0
BUCKETS = 64  # hash tags of the carts' keys in Redis
LOSSLESS = "surrogateescape"  # answers are read as text; packed ones can be had back as they were


def select(service: str, query: str, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of a query in a service's database."""
    from psycopg2.extras import RealDictCursor

    with _connected(service) as connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute(query, asked)
        return [dict(row) for row in cursor.fetchall()]


def change(service: str, statement: str, asked: Mapping[str, Any]) -> int:
    """Change rows in a service's database; return how many."""
    with _connected(service) as connection, connection.cursor() as cursor:
        cursor.execute(statement, asked)
        return int(cursor.rowcount)


@contextmanager
def _connected(service: str) -> Iterator[Any]:
    """Connect to a service's database for one transaction."""
    import psycopg2

    where = os.environ[f"{service.upper()}_DATABASE_URL"]
    with closing(psycopg2.connect(where, connect_timeout=int(SECONDS))) as connection, connection:
        yield connection


def redis_primary(url: str) -> Any:
    """Return a client of the primary that the sentinels name, or of the server itself."""
    import redis

    parts = urlsplit(url)
    if not parts.scheme.endswith("+sentinel"):
        return redis.Redis.from_url(url, decode_responses=True, encoding_errors=LOSSLESS, socket_timeout=SECONDS)
    password, hosts = re.match(r":?(.*)@(.*)", parts.netloc).groups()  # type: ignore[union-attr]  # our own URL
    places = [(host.split(":")[0], int(host.split(":")[1])) for host in hosts.split(",")]
    watching: Any = redis.Sentinel  # its types are not complete
    sentinels = watching(places, socket_timeout=SECONDS)
    return sentinels.master_for(
        parts.path.strip("/"),
        password=password,
        decode_responses=True,
        encoding_errors=LOSSLESS,
        socket_timeout=SECONDS,
    )


def documents(setting: str) -> Any:
    """Return a client of the MongoDB that a setting names."""
    from pymongo import MongoClient

    client: Any = MongoClient(os.environ[setting], serverSelectionTimeoutMS=int(SECONDS * 1000))
    return client


def management(what: str) -> dict[str, dict[str, Any]]:
    """Return what RabbitMQ's management pages say, by name."""
    parts = urlsplit(os.environ["BRIDGE_RABBIT_URL"])
    where = f"http://{parts.hostname}:{(parts.port or 0) + 1}/api/{what}/{parts.path.strip('/')}"
    asked = urllib.request.Request(where, headers={"Authorization": _basic(parts.username, parts.password)})
    with urllib.request.urlopen(asked, timeout=SECONDS) as answer:  # noqa: S310 - loopback
        return {one["name"]: one for one in json.load(answer)}


def _basic(user: str | None, password: str | None) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
