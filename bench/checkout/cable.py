"""A way to a port of this machine that can be cut: connections stay, and nothing comes through until it is mended."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

from souk_local.layout import LOOPBACK

CHUNK = 65_536


class Cable:
    """A proxy that carries bytes both ways, on a port that the system chose."""

    def __init__(self, port: int) -> None:
        """Lead to a port."""
        self._port = port
        self._door = socket.create_server((LOOPBACK, 0))
        self._ends: list[socket.socket] = [self._door]
        self._whole = threading.Event()
        self._whole.set()
        self._over = False
        self._started(self._welcome)

    @property
    def port(self) -> int:
        """Where it begins."""
        return int(self._door.getsockname()[1])

    def __enter__(self) -> Self:
        """Carry from the beginning."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hang up; what was held is lost, as what is on its way in a network that is gone."""
        self._over = True
        self._whole.set()
        for end in list(self._ends):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def cut(self) -> None:
        """Hold everything back, the news of a hang-up too."""
        self._whole.clear()

    def mend(self) -> None:
        """Let everything through that was held back, and go on."""
        self._whole.set()

    def _welcome(self) -> None:
        with suppress(OSError):  # hung up
            while not self._over:
                near, _ = self._door.accept()
                self._ends.append(near)
                self._started(self._lead, near)

    def _lead(self, near: socket.socket) -> None:
        """Lead a new connection on, once the cable is whole."""
        self._whole.wait()
        with suppress(OSError):
            far = socket.create_connection((LOOPBACK, self._port))
            self._ends.append(far)
            self._started(self._carry, near, far)
            self._carry(far, near)

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while not self._over:
                given = source.recv(CHUNK)
                self._whole.wait()
                if not given or self._over:
                    break
                target.sendall(given)
        with suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _started(work: Callable[..., None], *given: socket.socket) -> None:
        threading.Thread(target=work, args=given, daemon=True).start()
