"""The product service's doors, with its real stores."""

from collections.abc import Iterator

import pytest
from apps.product.desk import Desk
from doors import doors
from ports import free_ports


@pytest.fixture
def desk(stores: dict[str, str]) -> Iterator[Desk]:
    with doors("product") as opened:
        yield Desk(opened)


@pytest.fixture
def closed_port() -> int:
    """A port at which nobody listens."""
    return free_ports(1)[0]
