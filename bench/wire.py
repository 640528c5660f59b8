"""A client that speaks JSON over one kept connection, cheap enough not to be what is measured."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import click
import msgspec

PATIENCE = 60.0  # seconds for one answer
CHUNK = 65_536
NOTHING: Mapping[str, str] = {}


class CannotGoOn(click.ClickException):
    """Something that a run cannot be made with: one clear line, and an exit code of its own."""

    exit_code = 2


class NoAnswer(CannotGoOn):
    """The connection broke before the whole answer was there: whether the request took effect is unknown."""


class Elsewhere(Exception):
    """An address that is not on this machine: nobody else's shop is put under load."""


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back, and after how many seconds."""

    status: int
    headers: Mapping[str, str]
    raw: bytes
    seconds: float

    @property
    def body(self) -> Any:
        """The answer's document."""
        return msgspec.json.decode(self.raw) if self.raw else None

    @property
    def etag(self) -> str:
        """The version that was shown."""
        return self.headers.get("etag", "")


def place_of(base: str) -> tuple[str, int]:
    """Return host and port of a base URL. Raises Elsewhere for one that is not a plain loopback address."""
    parts = urlsplit(base)
    host = parts.hostname or ""
    if parts.scheme != "http" or not (host == "localhost" or _is_loopback(host)):
        raise Elsewhere(f"{base} is not an http address of this machine")
    return host, parts.port or 80


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Client:
    """One connection to a shop, for one thread."""

    def __init__(self, base: str, *, patience: float = PATIENCE) -> None:
        """Speak to the shop at `base`; an answer that takes longer than `patience` seconds is none."""
        self._place = place_of(base)
        self._patience = patience
        self._socket: socket.socket | None = None
        self._rest = b""

    def __enter__(self) -> Self:
        """Nothing is connected before the first request."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up."""
        self.close()

    def close(self) -> None:
        """Hang up; the next request connects again."""
        if self._socket is not None:
            self._socket.close()
        self._socket, self._rest = None, b""

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", headers: Mapping[str, str] = NOTHING
    ) -> Reply:
        """Send a request and return the answer, whatever its status. Raises NoAnswer."""
        given = self._written(method, path, body, token, headers)
        began = time.perf_counter()
        try:
            status, told, raw = self._exchange(given)
        except (OSError, ValueError) as error:
            self.close()
            raise NoAnswer(f"{method} {path}: {error}") from error
        seconds = time.perf_counter() - began
        if told.get("connection") == "close":
            self.close()
        return Reply(status=status, headers=told, raw=raw, seconds=seconds)

    def _written(self, method: str, path: str, body: Any, token: str, headers: Mapping[str, str]) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self._place[0]}:{self._place[1]}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if token:
            lines.append(f"Authorization: Bearer {token}")
        raw = b"" if body is None else msgspec.json.encode(body)
        if raw:
            lines.append("Content-Type: application/json")
        if raw or method != "GET":
            lines.append(f"Content-Length: {len(raw)}")
        return "\r\n".join([*lines, "\r\n"]).encode() + raw

    def _exchange(self, given: bytes) -> tuple[int, dict[str, str], bytes]:
        if self._socket is None or not self._still_open():
            self.close()
            self._socket = socket.create_connection(self._place, timeout=self._patience)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(given)
        first, *lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split(" ", 2)[1])
        return status, headers, self._body(headers)

    def _still_open(self) -> bool:
        """Tell whether an idle connection may be used again: one that can be read from was hung up."""
        assert self._socket is not None  # noqa: S101 - for the type checker
        self._socket.setblocking(False)
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            self._socket.settimeout(self._patience)
        return False

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self._exactly(int(headers.get("content-length", "0")))

    def _chunk(self) -> bytes:
        size = int(self._until(b"\r\n").split(b";")[0], 16)
        return self._exactly(size + 2)[:-2]

    def _until(self, mark: bytes) -> bytes:
        while mark not in self._rest:
            self._more()
        found, _, self._rest = self._rest.partition(mark)
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            self._more()
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    def _more(self) -> None:
        assert self._socket is not None  # noqa: S101 - for the type checker
        given = self._socket.recv(CHUNK)
        if not given:
            raise ConnectionResetError("hung up")
        self._rest += given
