"""The wire to one Redis server: where it is, Redis's protocol over a socket, and how the primary is found and met."""

import functools
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from souk.sockets import hung_up

Word = str | int | bytes
Words = tuple[Word, ...]
CONNECT, ANSWER, SENTINEL_ANSWER = 2.0, 1.5, 0.5  # seconds
IDLE = 30.0  # seconds after which a connection is asked whether it still lives: a silent network tells nothing
PORT, SENTINEL_PORT = 6379, 26379
CHUNK = 65_536  # bytes
LOSSLESS = "surrogateescape"  # answers are read as text; one that is none can be had back as it was


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a Redis is, as its URL says: the server itself, or sentinels and the name they know the primary by."""

    hosts: tuple[tuple[str, int], ...]
    primary: str = ""
    tls: bool = False
    username: str | None = None
    password: str | None = None
    sentinel_password: str | None = None
    database: int = 0
    replicas: int = 0

    @classmethod
    @functools.lru_cache(maxsize=8)
    def of(cls, url: str) -> "Place":
        """Read `redis[s]://user:password@host:port/0?replicas=1` or `redis[s]+sentinel://:password@h:p,h:p/name`."""
        parts = urlsplit(url)
        scheme, _, sentinel = parts.scheme.partition("+")
        account, _, hosts = parts.netloc.rpartition("@")
        username, _, password = account.partition(":")
        asked = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        path = parts.path.strip("/")
        return cls(
            hosts=tuple(_host(host, SENTINEL_PORT if sentinel else PORT) for host in hosts.split(",")),
            primary=path if sentinel else "",
            tls=scheme == "rediss",
            username=unquote(username) or None,
            password=unquote(password) or None,
            sentinel_password=asked.get("sentinel_password"),
            database=int(asked.get("db", "0") if sentinel else path or "0"),
            replicas=int(asked.get("replicas", "0")),
        )


def _host(text: str, port: int) -> tuple[str, int]:
    split = urlsplit(f"//{text}")
    return split.hostname or "127.0.0.1", split.port or port


class Refusal(Exception):
    """A server's error."""

    @property
    def code(self) -> str:
        """Its first word, which programs go by."""
        return str(self).partition(" ")[0]


class _Garbled(OSError):
    """What came is not Redis's protocol."""


class Wire:
    """A connection to one server: commands go out, and as many answers come back."""

    def __init__(self, connection: socket.socket) -> None:
        import hiredis

        self._socket = connection
        self._reader = hiredis.Reader(protocolError=_Garbled, replyError=Refusal, encoding="utf-8", errors=LOSSLESS)
        self._pack: Callable[[Words], bytes] = hiredis.pack_command  # type: ignore[assignment]  # for tuples of any length
        self.used = time.monotonic()
        self.history = ""  # master_replid: which history of writes the server carries on
        self.before = ""  # master_replid2: which one that was before it became the primary

    @classmethod
    def to(cls, place: Place, host: str, port: int, *, answer: float) -> "Wire":
        """Connect; answers are waited for so many seconds. Raises OSError."""
        connection = socket.create_connection((host, port), timeout=min(CONNECT, answer))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if place.tls:
            connection = ssl.create_default_context().wrap_socket(connection, server_hostname=host)
        connection.settimeout(answer)
        return cls(connection)

    def __del__(self) -> None:
        self.close()  # a thread that ended took nothing else along

    def exchange(self, commands: Sequence[Words]) -> list[Any]:
        """Send commands at once and read an answer for each; an answer that is an error stands in the list."""
        try:
            self._socket.sendall(b"".join([self._pack(command) for command in commands]))
            return [self._answer() for _ in commands]
        except BaseException:
            self.close()  # what is still to come would be taken for the answer to something else
            raise

    def _answer(self) -> Any:
        while (answer := self._reader.gets()) is False:
            received = self._socket.recv(CHUNK)
            if not received:
                raise ConnectionResetError("the server hung up")
            self._reader.feed(received)
        return answer

    def alive(self) -> bool:
        """Tell whether the server still answers: an idle connection by its silence, one idle for long when asked."""
        if self._socket.fileno() < 0 or hung_up(self._socket.fileno()):
            return False
        try:
            return time.monotonic() - self.used < IDLE or self.exchange([("PING",)]) == ["PONG"]
        except OSError:
            return False

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def connected(place: Place) -> Wire:
    """Connect to the primary, sign in and read which history it carries on."""
    host, port = primary(place) if place.primary else place.hosts[0]
    wire = Wire.to(place, host, port, answer=ANSWER)
    try:
        signing_in = _signing_in(place.username, place.password)
        answers = wire.exchange([*signing_in, ("SELECT", place.database), ("INFO", "replication")])
        told = dict(line.split(":", 1) for line in str(_plain(answers)[-1]).splitlines() if ":" in line)
        if told.get("role") != "master":
            raise ConnectionRefusedError("the server is not the primary")
    except (OSError, Refusal):
        wire.close()
        raise
    wire.history = told.get("master_replid", "")
    before = told.get("master_replid2", "")
    wire.before = before if before.strip("0") else ""  # all zeros: none
    return wire


def _signing_in(username: str | None, password: str | None) -> list[Words]:
    if password is None:
        return []
    return [("AUTH", password) if username is None else ("AUTH", username, password)]


def primary(place: Place) -> tuple[str, int]:
    """Ask the sentinels, one after the other, which server is the primary."""
    asked: list[Words] = [
        *_signing_in(None, place.sentinel_password),
        ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", place.primary),
    ]
    for host, port in place.hosts:
        try:
            wire = Wire.to(place, host, port, answer=SENTINEL_ANSWER)
        except OSError:
            continue
        try:
            if found := _plain(wire.exchange(asked))[-1]:
                return str(found[0]), int(found[1])
        except (OSError, Refusal):
            continue
        finally:
            wire.close()
    raise ConnectionRefusedError("no sentinel knows the primary")


def _plain(answers: list[Any]) -> list[Any]:
    """Return answers none of which is an error; raises the first that is."""
    for answer in answers:
        if isinstance(answer, Refusal):
            raise answer
    return answers
