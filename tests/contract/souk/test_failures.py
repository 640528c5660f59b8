"""What every counter of failed sign-ins promises: in memory, and in the databases of both services that sign people in."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import IPv4Address

import pytest
from contract.souk.memory import MemoryFailures

from souk.clock import utcnow
from souk.errors import TooMany
from souk.ids import new_id
from souk.postgres import Database
from souk.throttle import PER_ACCOUNT, PER_ADDRESS, WINDOW, Failures, KeptFailures

NOW = utcnow()
KEEPERS: dict[str, Callable[[], Failures]] = {
    "memory": MemoryFailures,
    "admin": lambda: KeptFailures(Database("admin")),
    "customer": lambda: KeptFailures(Database("customer")),
}


@pytest.fixture(params=["memory", *(pytest.param(one, marks=pytest.mark.stores) for one in ("admin", "customer"))])
def failures(request: pytest.FixtureRequest) -> Failures:
    if request.param != "memory":
        request.getfixturevalue("stores")
    return KEEPERS[request.param]()


@pytest.fixture
def account() -> str:
    return f"{new_id()}@example.com"


@pytest.fixture
def address() -> str:
    return str(IPv4Address(secrets.randbits(24) | 11 << 24))


def tried(failures: Failures, account: str, address: str, times: int = 1) -> None:
    for _ in range(times):
        failures.admit(account, address, NOW)


def test_an_account_fails_so_often_and_then_waits_for_the_rest_of_the_window(
    failures: Failures, account: str, address: str
) -> None:
    tried(failures, account, address, PER_ACCOUNT)
    with pytest.raises(TooMany) as refused:
        failures.admit(account, address, NOW + timedelta(minutes=5))
    assert refused.value.retry_after == (WINDOW - timedelta(minutes=5)).total_seconds()


def test_an_address_fails_so_often_whatever_the_account(failures: Failures, account: str, address: str) -> None:
    for number in range(PER_ADDRESS):
        tried(failures, f"{number} {account}", address)
    with pytest.raises(TooMany):
        tried(failures, account, address)
    tried(failures, account, f"{address}:another")


def test_the_addresses_of_one_network_are_one(failures: Failures, account: str) -> None:
    network = f"2001:db8:{secrets.randbits(16):x}:{secrets.randbits(16):x}"
    for number in range(PER_ADDRESS):
        tried(failures, f"{number} {account}", f"{network}::{number:x}")
    with pytest.raises(TooMany):
        tried(failures, account, f"{network}:ffff::1")


def test_what_was_not_tried_is_no_failure_of_the_address(failures: Failures, account: str, address: str) -> None:
    tried(failures, account, address, PER_ACCOUNT)
    for _ in range(PER_ADDRESS):
        with pytest.raises(TooMany):
            tried(failures, account, address)
    tried(failures, f"another {account}", address)


def test_a_refused_try_does_not_make_the_wait_longer(failures: Failures, account: str, address: str) -> None:
    tried(failures, account, address, PER_ACCOUNT)
    with pytest.raises(TooMany):
        failures.admit(account, address, NOW + WINDOW / 2)
    failures.admit(account, address, NOW + WINDOW)


def test_after_the_window_it_is_counted_anew(failures: Failures, account: str, address: str) -> None:
    tried(failures, account, address, PER_ACCOUNT)
    for _ in range(PER_ACCOUNT):
        failures.admit(account, address, NOW + WINDOW)
    with pytest.raises(TooMany):
        failures.admit(account, address, NOW + WINDOW)


def test_a_success_forgives_the_account(failures: Failures, account: str, address: str) -> None:
    for _ in range(2):
        tried(failures, account, address, PER_ACCOUNT)
        failures.forgive(account, address)
    tried(failures, account, address)


def test_a_success_is_no_failure_of_the_address_and_forgives_no_other(
    failures: Failures, account: str, address: str
) -> None:
    for number in range(PER_ADDRESS):
        tried(failures, f"{number} {account}", address)
    failures.forgive(f"0 {account}", address)
    tried(failures, account, address)
    with pytest.raises(TooMany):
        tried(failures, account, address)


def test_forgiving_whom_nobody_counted_does_nothing(failures: Failures, account: str, address: str) -> None:
    failures.forgive(account, address)
    tried(failures, account, address, PER_ACCOUNT)
    with pytest.raises(TooMany):
        tried(failures, account, address)


@pytest.mark.stores
@pytest.mark.usefixtures("stores")
def test_of_many_tries_at_once_so_many_are_admitted_as_one_after_another(account: str, address: str) -> None:
    kept = KEEPERS["customer"]()

    def admitted(_: int) -> bool:
        try:
            kept.admit(account, address, NOW)
        except TooMany:
            return False
        return True

    with ThreadPoolExecutor(8) as guessers:
        assert sum(guessers.map(admitted, range(24))) == PER_ACCOUNT
