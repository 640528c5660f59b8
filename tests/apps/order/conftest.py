"""The order service's doors, with its real stores."""

from collections.abc import Iterator

import pytest
from apps.order.shop import Shop
from doors import doors


@pytest.fixture
def shop(stores: dict[str, str]) -> Iterator[Shop]:
    with doors("order") as opened:
        yield Shop(opened)
