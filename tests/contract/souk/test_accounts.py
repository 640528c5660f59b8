"""What everything promises that knows who may sign in: staff and customers, in memory as in PostgreSQL."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import msgspec
import pytest
from contract.admin.memory import MemoryStaff
from contract.admin.people import member, role
from contract.customer.memory import MemoryCustomers
from contract.customer.people import customer
from contract.souk.memory import Member, MemoryAccounts
from msgspec.structs import replace

from chalicelib.admin import live as admin_live
from chalicelib.admin.invitations import Invitations
from chalicelib.customer import live as customer_live
from chalicelib.customer.customers import Customers
from souk.accounts import Status
from souk.ids import new_id
from souk.signing_in import NOTHING, Accounts

HASH = "a hash"


class Accounted(msgspec.Struct):
    """Opens accounts, and the ways to fill them: both tell somebody's id."""

    open: Callable[[], AbstractContextManager[Accounts]]
    add: Callable[[Any, str], str]
    suspend: Callable[[Any, str], None]
    may: frozenset[str] = NOTHING


def _add_account(store: MemoryAccounts, email: str) -> str:
    one = Member(subject=new_id(), password_hash=HASH, active=True, permissions=frozenset({"orders:read"}))
    store.accounts[email.lower()] = one
    return one.subject


def _suspend_account(store: MemoryAccounts, subject: str) -> None:
    store.accounts = {
        email: replace(one, active=one.active and one.subject != subject) for email, one in store.accounts.items()
    }


def _add_member(store: Invitations, email: str) -> str:
    desk = role("orders:read")
    one = member(desk.name, email=email)
    assert store.add_role(desk)
    assert store.add_member(one, HASH)
    return one.id


def _suspend_member(store: Invitations, subject: str) -> None:
    found = store.member_for_change(subject)
    assert found
    store.save_member(replace(found, status=Status.SUSPENDED, version=2))


def _add_customer(store: Customers, email: str) -> str:
    one = customer(email=email)
    assert store.add_customer(one, HASH)
    return one.id


def _suspend_customer(store: Customers, subject: str) -> None:
    found = store.customer_for_change(subject)
    assert found
    store.save_customer(found.become(Status.SUSPENDED))


READS = frozenset({"orders:read"})
KEEPERS: dict[str, Callable[[], Accounted]] = {
    "memory": lambda: Accounted(MemoryAccounts().transaction, _add_account, _suspend_account, READS),
    "staff in memory": lambda: Accounted(MemoryStaff().transaction, _add_member, _suspend_member, READS),
    "customers in memory": lambda: Accounted(MemoryCustomers().transaction, _add_customer, _suspend_customer),
    "staff": lambda: Accounted(admin_live.staff, _add_member, _suspend_member, READS),
    "customers": lambda: Accounted(customer_live.customers, _add_customer, _suspend_customer),
}
REAL = ("staff", "customers")


@pytest.fixture(params=[pytest.param(one, marks=[pytest.mark.stores] * (one in REAL)) for one in KEEPERS])
def keeper(request: pytest.FixtureRequest) -> Accounted:
    if request.param in REAL:
        request.getfixturevalue("stores")
    return KEEPERS[request.param]()


@pytest.fixture
def email() -> str:
    return f"Ädà{new_id()}@Example.com"


def known(store: Accounts, email: str) -> tuple[str, str, bool]:
    found = store.account(email)
    assert found is not None
    return found.subject, found.password_hash, found.active


@pytest.mark.parametrize("typed", [str, str.lower, str.upper])
def test_an_account_is_found_by_its_address_whatever_its_case(
    keeper: Accounted, email: str, typed: Callable[[str], str]
) -> None:
    with keeper.open() as store:
        subject = keeper.add(store, email)
        assert known(store, typed(email)) == (subject, HASH, True)


@pytest.mark.parametrize("letters", ["ΝΙΚΟΣ", "İpek", "ẞ", "Ǆ"])
def test_an_account_is_found_by_its_address_as_it_was_given_in_any_script(keeper: Accounted, letters: str) -> None:
    email = f"{new_id()}{letters}@example.com"
    with keeper.open() as store:
        subject = keeper.add(store, email)
        assert known(store, email) == (subject, HASH, True)


def test_nobody_is_found_under_another_address(keeper: Accounted, email: str) -> None:
    with keeper.open() as store:
        keeper.add(store, email)
        assert store.account(f"x{email}".lower()) is None
        assert store.account(email.lower().replace("ä", "_")) is None
        assert store.account("%") is None


def test_who_is_active_may_what_they_may_whether_they_are_held_or_not(keeper: Accounted, email: str) -> None:
    with keeper.open() as store:
        subject = keeper.add(store, email)
        assert store.permissions(subject) == store.permissions(subject, held=True) == keeper.may


def test_who_is_suspended_is_known_and_may_not_be_signed_in(keeper: Accounted, email: str) -> None:
    with keeper.open() as store:
        subject = keeper.add(store, email)
        keeper.suspend(store, subject)
        assert known(store, email) == (subject, HASH, False)
        assert (store.permissions(subject), store.permissions(subject, held=True)) == (None, None)


def test_who_is_unknown_may_not_be_signed_in(keeper: Accounted) -> None:
    with keeper.open() as store:
        assert (store.permissions(new_id()), store.permissions(new_id(), held=True)) == (None, None)
