"""The shop of the journeys: the same six services by serve, then on LocalStack, on the same stores."""

from collections.abc import Iterator

import pytest
from deployments import deployed, serving
from journeys.keeper import Keeper, owner_of
from watching import explain, watched

from souk.stages import LOCAL, SERVE
from souk_cli.demo.journey import Owner
from souk_cli.demo.shop import Shop

WAYS = {SERVE: serving, LOCAL: deployed}


@pytest.fixture(scope="session", params=list(WAYS))
def shop(request: pytest.FixtureRequest, stores: dict[str, str]) -> Iterator[Shop]:
    with WAYS[request.param](stores) as deployment, watched(deployment) as seen:
        yield seen


@pytest.fixture(scope="session")
def staff(stores: dict[str, str]) -> Owner:
    return owner_of()


@pytest.fixture(scope="session")
def keeper(shop: Shop, staff: Owner) -> Keeper:
    return Keeper(shop, staff)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    explain(outcome.get_result())  # type: ignore[attr-defined]  # pluggy's own type is not exported
