"""A failing fault test tells what the shop was asked last, and what it wrote."""

from collections.abc import Iterator

import pytest
from watching import explain


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    explain(outcome.get_result())  # type: ignore[attr-defined]  # pluggy's own type is not exported
