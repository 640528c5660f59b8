"""A cable carries both ways; cut, it holds everything back, and mended it goes on."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from threading import Thread

import pytest
from bench.checkout.cable import Cable

pytestmark = pytest.mark.enable_socket
SILENCE = 0.2  # seconds without a byte


@pytest.fixture
def echo() -> Iterator[int]:
    """A port that says back what it hears."""
    door = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with suppress(OSError):
            heard, _ = door.accept()
            with heard:
                while given := heard.recv(100):
                    heard.sendall(given)

    answering = Thread(target=answer)
    answering.start()
    yield door.getsockname()[1]
    with suppress(OSError):
        door.shutdown(socket.SHUT_RDWR)  # in case nobody came
    door.close()
    answering.join()


@pytest.fixture
def cable(echo: int) -> Iterator[Cable]:
    with Cable(echo) as one:
        yield one


@pytest.fixture
def end(cable: Cable) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", cable.port), timeout=10) as one:
        yield one


def test_what_is_said_is_carried_both_ways(end: socket.socket) -> None:
    end.sendall(b"hello")
    assert end.recv(100) == b"hello"


def test_nothing_comes_through_until_it_is_mended(cable: Cable, end: socket.socket) -> None:
    cable.cut()
    end.sendall(b"hello")
    end.settimeout(SILENCE)
    with pytest.raises(TimeoutError):
        end.recv(100)
    cable.mend()
    end.settimeout(10)
    assert end.recv(100) == b"hello"
