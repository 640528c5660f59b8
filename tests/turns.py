"""Counts round trips on the wire: a proxy that notes each time a client speaks after its server did."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

CHUNK = 65_536


class Turns:
    """Listens on a port of its own and passes everything on to a server; counts what is said in between."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listening]
        self.port: int = self._listening.getsockname()[1]
        self.count = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def taken(self) -> int:
        """Return how many round trips there were since this was asked last."""
        taken, self.count = self.count, 0
        return taken

    def close(self) -> None:
        for one in self._open:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            server = socket.create_connection(self._server)
            self._open += [client, server]
            speaks = ["server"]
            for source, target, name in ((client, server, "client"), (server, client, "server")):
                threading.Thread(target=self._pass_on, args=(source, target, name, speaks), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, name: str, speaks: list[str]) -> None:
        try:
            while said := source.recv(CHUNK):
                if name == "client" and speaks[0] == "server":
                    self.count += 1
                speaks[0] = name
                target.sendall(said)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


@contextmanager
def counted(host: str, port: int) -> Iterator[Turns]:
    """Count what is said to a server."""
    turns = Turns(host, port)
    try:
        yield turns
    finally:
        turns.close()
