"""What holds when customers do things at once; in PostgreSQL alone, as memory has no rivals."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from contract.customer.conftest import Store
from contract.customer.people import HOME, NOW, address, customer
from contract.souk.keeping import at_once, await_somebody_waiting, given_up
from msgspec.structs import replace

from chalicelib.customer import customers, live
from chalicelib.customer.model import MOST_ADDRESSES, Customer
from souk.accounts import Status
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.errors import Missing, Refused, Stale
from souk.ids import new_id

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("stores")]


def registered() -> Customer:
    one = customer()
    with live.customers() as store:
        assert store.add_customer(one, "a hash")
    return one


def test_an_address_that_registers_many_times_at_once_is_one_customers() -> None:
    email = f"{new_id()}@Example.com"

    def register(number: int) -> Callable[[], object]:
        def become() -> None:
            with live.customers() as store:
                given = email.upper() if number % 2 else email
                customers.register(given, "Ada", "a hash", locale="en", now=NOW, store=store)

        return become

    refused = [one for one in at_once(*(register(number) for number in range(6))) if one]
    assert [(type(one), one.kind) for one in refused] == [(Refused, "email-taken")] * 5


def test_of_many_who_edit_a_profile_as_they_saw_it_one_does() -> None:
    one = registered()
    by = Origin(Caller(kind=Kind.CUSTOMER, subject=one.id))

    def edit() -> None:
        with live.customers() as store:
            customers.edit(one.id, name="Lovelace", locale=None, seen=1, store=store, by=by, now=NOW)

    refused = [one for one in at_once(*[edit] * 6) if one]
    assert [type(one) for one in refused] == [Stale] * 5


def test_nobody_keeps_more_addresses_than_the_most_by_adding_them_at_once() -> None:
    one = registered()
    with live.customers() as store:
        for _ in range(MOST_ADDRESSES - 2):
            store.save_address(one.id, address(), NOW)

    def add() -> None:
        with live.customers() as store:
            customers.add_address(one.id, HOME, now=NOW, store=store)

    assert [type(one) for one in at_once(*[add] * 6) if one] == [Refused] * 4
    with live.reading() as store:
        assert len(store.addresses(one.id)) == MOST_ADDRESSES


def test_an_address_that_is_changed_and_removed_at_once_is_gone() -> None:
    one, home = registered(), address()
    with live.customers() as store:
        store.save_address(one.id, home, NOW)

    def change() -> None:
        with live.customers() as store:
            customers.change_address(one.id, home.id, HOME, seen=1, now=NOW, store=store)

    def remove() -> None:
        with live.customers() as store:
            customers.remove_address(one.id, home.id, store=store)

    changed, removed = at_once(change, remove)
    assert removed is None
    assert changed is None or type(changed) is Missing
    with live.reading() as store:
        assert store.addresses(one.id) == []


def test_who_is_being_signed_in_is_suspended_after_that() -> None:
    one = registered()
    by = Origin(Caller(kind=Kind.STAFF, subject=new_id()))

    def suspend() -> None:
        with live.customers() as store:
            customers.suspend(one.id, by=by, now=NOW, store=store)

    with ThreadPoolExecutor() as beside:
        with live.customers() as store:
            assert store.permissions(one.id, held=True) == frozenset()
            suspended = beside.submit(suspend)
            await_somebody_waiting("customer")
            assert not suspended.done()
        suspended.result()
    with live.reading() as store:
        found = store.customer(one.id)
        assert found is not None
        assert (found.status, store.permissions(one.id)) == (Status.SUSPENDED, None)


TAKES: dict[str, Callable[[Store, Customer], object]] = {
    "customer": lambda store, who: store.customer_for_change(who.id),
    "address": lambda store, who: store.address_for_change(who.id, who.id),
}


@pytest.mark.parametrize("what", TAKES)
def test_what_is_read_for_change_waits_for_who_has_it_and_others_read_on(what: str) -> None:
    one = registered()
    with live.customers() as store:
        store.save_address(one.id, replace(address(), id=one.id), NOW)

    def take() -> None:
        with given_up(live.customers()) as store:
            TAKES[what](store, one)

    def read() -> Customer | None:
        with live.reading() as store:
            assert store.addresses(one.id)
            return store.customer(one.id)

    with ThreadPoolExecutor() as beside:
        with live.customers() as store:
            for each in TAKES.values():
                assert each(store, one)
            taken = beside.submit(take)
            await_somebody_waiting("customer")
            assert beside.submit(read).result() == one
            assert not taken.done()
        taken.result()
