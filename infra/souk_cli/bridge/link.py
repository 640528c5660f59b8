"""A connection to RabbitMQ, kept open by a thread of its own and made anew for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pika
from pika.exceptions import AMQPError

from souk import telemetry
from souk.errors import Unavailable
from souk_cli.bridge import topology
from souk_cli.bridge.patience import Patience

LOG = telemetry.logger("bridge")


class Link:
    """Connects, says when it is open, and connects again whenever it is lost; subclasses say what goes over it."""

    def __init__(self, name: str, url: str, prepare: Callable[[], None]) -> None:
        """Name it, say where, and what has to be made there (`prepare`) before it is used."""
        self.name = name
        self._parameters = topology.parameters(url)
        self._prepare = prepare
        self._guard = threading.Lock()
        self._connection: Any = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self.open = threading.Event()

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def stop(self) -> None:
        """Hang up, for good."""
        self._ending.set()
        with self._guard:
            if self._connection is not None:
                self._connection.ioloop.add_callback_threadsafe(self._hang_up)
        if self._thread.is_alive():
            self._thread.join(topology.CONNECT)

    def call(self, what: Callable[[], None]) -> None:
        """Run something on the connection's own thread. Raises Unavailable while there is no connection."""
        with self._guard:
            if self._connection is None or not self.open.is_set():
                raise Unavailable("RabbitMQ does not answer")
            self._connection.ioloop.add_callback_threadsafe(what)

    def opened(self, connection: Any) -> None:
        """Set up channels; say `self.ready()` when they can be used."""
        raise NotImplementedError

    def lost(self) -> None:
        """Forget what belonged to the connection."""
        raise NotImplementedError

    def ready(self) -> None:
        """Tell that it can be used."""
        self.open.set()
        LOG.info("connected", extra={"link": self.name})

    def hang_up(self, *_: Any) -> None:
        """End this connection; another one is made. Only on the connection's own thread."""
        self._hang_up()

    def _hang_up(self) -> None:
        if self._connection is not None and not (self._connection.is_closing or self._connection.is_closed):
            self._connection.close()

    def _run(self) -> None:
        patience = Patience(first=0.1, longest=5.0)
        known = ""
        while not self._ending.is_set():
            why = self._once()
            if self.open.is_set():
                patience.reset()
            self.open.clear()
            self.lost()
            if why != known and not self._ending.is_set():
                LOG.warning("not connected", extra={"link": self.name, "why": why})
            known = why
            self._ending.wait(patience.next())

    def _once(self) -> str:
        """Connect, work until the connection ends, and say why it did."""
        reasons: list[str] = []

        def over(connection: Any, reason: object) -> None:
            reasons.append(repr(reason))
            connection.ioloop.stop()

        try:
            self._prepare()
            connection = pika.SelectConnection(
                self._parameters,
                on_open_callback=self.opened,
                on_open_error_callback=over,
                on_close_callback=over,
            )
        except (AMQPError, OSError) as error:
            return repr(error)
        with self._guard:
            self._connection = connection
        try:
            connection.ioloop.start()
        except Exception as error:  # the outermost door: a thread that ended would never connect again
            LOG.exception("a connection broke", extra={"link": self.name})
            reasons.append(repr(error))
        finally:
            with self._guard:
                self._connection = None
            connection.ioloop.close()
        return "; ".join(reasons)
