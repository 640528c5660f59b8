"""Waiting until a server answers, with its last words when it doesn't."""

from __future__ import annotations

import http
import http.client
import socket
import threading
import time
from typing import TYPE_CHECKING

from souk_local.errors import StackError
from souk_local.layout import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GLANCE = 0.1
TIMEOUT = 3.0

interrupted = threading.Event()
"""Set when the user doesn't want to wait any longer; what was started goes on."""


class NotReady(Exception):
    """Why a server doesn't answer yet."""


def wait(
    name: str,
    probe: Callable[[], None],
    *,
    alive: Callable[[], bool],
    tail: Callable[[], str],
    within: float,
) -> None:
    """Probe until it answers; StackError with reason and log when the process ends or `within` seconds pass."""
    until = time.monotonic() + within
    while True:
        try:
            probe()
        except NotReady as reason:
            if not alive():
                raise StackError(f"{name} ended while starting; its last words:\n{tail()}") from None
            if time.monotonic() > until:
                raise StackError(
                    f"{name} didn't answer in {within:.0f} s ({reason}); its last words:\n{tail()}"
                ) from None
        else:
            return
        if interrupted.wait(GLANCE):
            raise StackError(f"{name} was not waited for")


def connect(port: int) -> socket.socket:
    """Return a connection to a port of this machine, or NotReady."""
    try:
        return socket.create_connection((LOOPBACK, port), timeout=TIMEOUT)
    except OSError as error:
        raise NotReady(f"port {port}: {error.strerror or error}") from error


def exchange(port: int, request: bytes, *, enough: Callable[[bytes], bool] = bool) -> bytes:
    """Send bytes, read the answer until it is enough."""
    with connect(port) as wire:
        try:
            wire.sendall(request)
            answer = b""
            while not enough(answer):
                piece = wire.recv(65536)
                if not piece:
                    raise NotReady(f"port {port}: the connection was closed")
                answer += piece
        except OSError as error:
            raise NotReady(f"port {port}: {error}") from error
    return answer


def get(port: int, path: str, headers: Mapping[str, str] | None = None, *, timeout: float = TIMEOUT) -> bytes:
    """Return the body of a good answer over HTTP, or NotReady."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise NotReady(f"http port {port}: {error}") from error
    finally:
        connection.close()
    if answer.status >= http.HTTPStatus.BAD_REQUEST:
        raise NotReady(f"http port {port}: {answer.status} for {path}")
    return body
