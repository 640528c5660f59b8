"""The addresses that customers keep, with a keeper in memory."""

import pytest
from contract.customer.memory import MemoryCustomers
from contract.customer.people import HOME, NOW, customer
from msgspec.structs import replace

from chalicelib.customer import customers
from chalicelib.customer.model import MOST_ADDRESSES, Address, Customer
from souk.errors import Missing, Refused, Stale
from souk.ids import new_id


@pytest.fixture
def store() -> MemoryCustomers:
    return MemoryCustomers()


@pytest.fixture
def ada(store: MemoryCustomers) -> Customer:
    one = customer()
    assert store.add_customer(one, "a hash")
    return one


def added(store: MemoryCustomers, who: Customer) -> Address:
    return customers.add_address(who.id, HOME, now=NOW, store=store)


def test_an_address_is_kept_as_it_was_given(store: MemoryCustomers, ada: Customer) -> None:
    made = added(store, ada)
    assert customers.read_address(ada.id, made.id, store=store) == made
    assert all(getattr(made, name) == getattr(HOME, name) for name in HOME.__struct_fields__)


def test_an_address_is_changed_as_it_was_seen(store: MemoryCustomers, ada: Customer) -> None:
    made, elsewhere = added(store, ada), replace(HOME, city="Shelbyville")
    for seen in (0, 2):
        with pytest.raises(Stale):
            customers.change_address(ada.id, made.id, elsewhere, seen=seen, now=NOW, store=store)
    changed = customers.change_address(ada.id, made.id, elsewhere, seen=1, now=NOW, store=store)
    assert (changed.id, changed.city, changed.version) == (made.id, "Shelbyville", 2)
    assert store.addresses(ada.id) == [changed]


def test_nobody_reads_changes_or_removes_anothers_address(store: MemoryCustomers, ada: Customer) -> None:
    made, eve = added(store, ada), new_id()
    with pytest.raises(Missing):
        customers.read_address(eve, made.id, store=store)
    with pytest.raises(Missing):
        customers.change_address(eve, made.id, HOME, seen=1, now=NOW, store=store)
    with pytest.raises(Missing):
        customers.remove_address(eve, made.id, store=store)
    assert store.addresses(ada.id) == [made]


@pytest.mark.parametrize("unknown", [new_id(), "nonsense", ""])
def test_an_address_that_is_not_there_is_missing(store: MemoryCustomers, ada: Customer, unknown: str) -> None:
    with pytest.raises(Missing):
        customers.read_address(ada.id, unknown, store=store)
    with pytest.raises(Missing):
        customers.change_address(ada.id, unknown, HOME, seen=1, now=NOW, store=store)
    with pytest.raises(Missing):
        customers.remove_address(ada.id, unknown, store=store)
    with pytest.raises(Missing):
        customers.add_address(unknown, HOME, now=NOW, store=store)


def test_a_customer_keeps_so_many_addresses_and_one_more_for_each_that_goes(
    store: MemoryCustomers, ada: Customer
) -> None:
    made = [added(store, ada) for _ in range(MOST_ADDRESSES)]
    with pytest.raises(Refused):
        added(store, ada)
    customers.remove_address(ada.id, made[0].id, store=store)
    assert added(store, ada)
    assert len(store.addresses(ada.id)) == MOST_ADDRESSES
