"""Throttling of sign-ins."""

from datetime import UTC, datetime, timedelta

import pytest

from souk.throttle import PER_ACCOUNT, WINDOW, network, wait_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_first_failures_cost_no_wait_and_the_next_one_the_rest_of_the_window() -> None:
    since = NOW - timedelta(minutes=5)
    assert wait_of("account", PER_ACCOUNT, since, NOW) == 0
    assert wait_of("account", PER_ACCOUNT + 1, since, NOW) == (WINDOW - timedelta(minutes=5)).total_seconds()


@pytest.mark.parametrize(
    ("one", "other"), [("2001:db8::1", "2001:db8:0:0:ffff::2"), ("2001:DB8::1", "2001:db8:0:0::1")]
)
def test_the_addresses_of_one_network_count_together(one: str, other: str) -> None:
    assert network(one) == network(other)


@pytest.mark.parametrize("address", ["192.0.2.1", "", "no:address"])
def test_other_addresses_count_for_themselves(address: str) -> None:
    assert network(address) == address
