"""The product service's doors, with its real stores."""

import socket
from collections.abc import Iterator

import pytest
from apps.product.desk import Desk
from doors import doors


@pytest.fixture
def desk(stores: dict[str, str]) -> Iterator[Desk]:
    with doors("product") as opened:
        yield Desk(opened)


@pytest.fixture
def closed_port() -> int:
    """A port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
