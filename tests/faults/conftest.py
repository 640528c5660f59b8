"""A failing fault test tells what the shop was asked last, and what it wrote, and leaves the stores as it found them."""

from collections.abc import Iterator

import pytest
from conftest import DATABASES, souk
from watching import explain

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's own type is not exported
    explain(report)
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed


@pytest.fixture(autouse=True)
def _stores_come_back(request: pytest.FixtureRequest) -> Iterator[None]:
    """After a test that failed, start what it had killed: the others should not fail for it."""
    yield
    if request.node.stash.get(FAILED, False) and "stores" in request.fixturenames:
        souk("up", *DATABASES)
