"""Bells: whoever waits for something is told by PostgreSQL when a transaction that did it has committed.

A bell only says when to look, and may be missed: whoever waits looks now and then too. Listening takes a session of one's
own (`SOUK_SESSIONS=own`, see `souk.plans`), which a proxy would have to pin; without one everybody looks more often.
"""

import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from souk.errors import SoukError
from souk.plans import is_own
from souk.postgres import CONNECT
from souk.settings import setting

AGAIN = 1.0  # seconds until a lost connection is made anew
GLANCE = 1.0  # seconds between two looks whether to end
IDLE = 30  # seconds until a silent network is asked whether it still lives


class Listener:
    """Hears one channel of a service's database, on a thread and a connection of its own."""

    def __init__(self, service: str, channel: str, heard: Callable[[str], None], *, name: str = "DATABASE_URL") -> None:
        """Call `heard` with what is said on the channel; nothing is read or connected before the start."""
        self._service, self._name, self._channel, self._heard = service, name, channel, heard
        self._guard = threading.Lock()
        self._started = False
        self._ending = threading.Event()
        self.hears = False

    def start(self) -> None:
        """Begin, if that was not done before; without a session of its own it stays deaf."""
        with self._guard:
            if not self._started and is_own():
                threading.Thread(target=self._run, name=f"{self._service} {self._channel}", daemon=True).start()
            self._started = True

    def stop(self) -> None:
        """End, soon."""
        self._ending.set()

    def _run(self) -> None:
        import psycopg2

        while not self._ending.is_set():
            try:
                self._listen()
            except (psycopg2.Error, OSError, SoukError):  # secrets may not be there yet either
                self.hears = False
                self._ending.wait(AGAIN)
        self.hears = False

    def _listen(self) -> None:
        import psycopg2

        url = setting(self._service, self._name)
        connection = psycopg2.connect(
            url,
            connect_timeout=CONNECT,
            application_name=f"souk-{self._service}-{self._channel}",
            keepalives_idle=IDLE,
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {self._channel}")
            self.hears = True
            while not self._ending.is_set():
                select.select([connection], [], [], GLANCE)
                connection.poll()
                while connection.notifies:
                    self._heard(connection.notifies.pop(0).payload)
        finally:
            connection.close()


class Bell:
    """What one waits at."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener
        self._rung = threading.Event()

    @property
    def hears(self) -> bool:
        """Whether it would be rung now."""
        return self._listener.hears

    def ring(self) -> None:
        """Let whoever waits look."""
        self._rung.set()

    def wait(self, seconds: float) -> None:
        """Wait until it is rung, or has been since the last time, for so many seconds at most."""
        self._rung.wait(seconds)
        self._rung.clear()


class Bells:
    """The bells of one channel in this process, each of which hears what is said about one thing."""

    def __init__(self, service: str, channel: str) -> None:
        """Say whose channel; it is listened to from the first wait on."""
        self._listener = Listener(service, channel, self._ring)
        self._guard = threading.Lock()
        self._bells: dict[str, list[Bell]] = {}

    @contextmanager
    def at(self, about: str) -> Iterator[Bell]:
        """Stand at a bell; what happens from now on rings it."""
        self._listener.start()
        bell = Bell(self._listener)
        with self._guard:
            self._bells.setdefault(about, []).append(bell)
        try:
            yield bell
        finally:
            with self._guard:
                self._bells[about].remove(bell)
                if not self._bells[about]:
                    del self._bells[about]

    def _ring(self, about: str) -> None:
        with self._guard:
            for bell in self._bells.get(about, ()):
                bell.ring()
