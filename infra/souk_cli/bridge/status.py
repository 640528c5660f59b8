"""The bridge's state as a page of JSON, for `souk status` and whoever watches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from msgspec import Struct

from souk_cli.bridge import topology
from souk_cli.bridge.link import LOG
from souk_cli.bridge.relay import Relay
from souk_cli.bridge.statistics import Counts, Percentiles
from souk_cli.bridge.topology import Line

PATH = "/status"
GLANCE = 0.2  # seconds until its end is noticed
FRESH = 1.0  # seconds that a state is shown for


class SourceState(Struct, frozen=True, kw_only=True):
    """One outbox: what waits in it, and whether it can be read."""

    state: str
    unsent: int
    oldest_seconds: float
    sent: int
    trouble: str


class ConsumerState(Struct, frozen=True, kw_only=True):
    """One consumer: what waits for it in RabbitMQ, what the bridge holds, and what became of the rest."""

    queue: int | None
    dead: int | None
    unacked: int
    waiting: int
    forwarded: int
    later: int
    refused: int
    parked: int


class State(Struct, frozen=True, kw_only=True):
    """All of it."""

    stage: str
    target: str
    pid: int
    up_seconds: float
    rabbitmq: str
    sources: dict[str, SourceState]
    consumers: dict[str, ConsumerState]
    latency: Percentiles


def sources(relay: Relay) -> dict[str, SourceState]:
    """Return the state of each outbox."""
    return {
        sender.source.name: SourceState(
            state="down" if sender.trouble else "up",
            unsent=sender.lag.unsent,
            oldest_seconds=round(sender.lag.oldest_seconds, 3),
            sent=sender.sent,
            trouble=sender.trouble,
        )
        for sender in relay.senders
    }


def consumers(
    lines: Sequence[Line], counts: Mapping[str, Counts], depths: Mapping[str, tuple[int, int]]
) -> dict[str, ConsumerState]:
    """Return the state of each consumer."""
    found: dict[str, ConsumerState] = {}
    for line in lines:
        queue, dead = depths.get(line.consumer, (None, None))
        known = msgspec.structs.asdict(counts.get(line.consumer, Counts()))
        found[line.consumer] = ConsumerState(queue=queue, dead=dead, **known)
    return found


def depths(url: str, lines: Sequence[Line]) -> dict[str, tuple[int, int]]:
    """Return how much waits for each consumer; nothing while RabbitMQ does not answer."""
    from pika.exceptions import AMQPError

    try:
        return topology.depths(url, lines)
    except (AMQPError, OSError):
        return {}


class Page:
    """Serves the state over HTTP, on a thread of its own."""

    def __init__(self, host: str, port: int, state: Callable[[], State]) -> None:
        """Listen. Raises OSError where the port is taken."""
        self._state = state
        self._guard = threading.Lock()
        self._made = 0.0
        self._body = b""
        self._server = ThreadingHTTPServer((host, port), _answering(self._fresh))
        self._server.daemon_threads = True

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._server.serve_forever, args=(GLANCE,), name="status", daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()

    def _fresh(self) -> bytes:
        with self._guard:
            if time.monotonic() - self._made > FRESH:
                self._body = msgspec.json.encode(self._state())
                self._made = time.monotonic()
            return self._body


def _answering(body: Callable[[], bytes]) -> type[BaseHTTPRequestHandler]:
    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path.partition("?")[0] == PATH
            told = body() if known else b"{}"
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        def log_message(self, *_: Any) -> None:
            """Say nothing: somebody looks every few seconds."""

    return Answering


def page(host: str, port: int, state: Callable[[], State]) -> Page | None:
    """Return the page, or None where another bridge has one already."""
    try:
        return Page(host, port, state)
    except OSError as error:
        LOG.warning("no status page", extra={"port": port, "why": str(error)})
        return None
