"""What every keeper of customers and their addresses promises, in memory as in PostgreSQL."""

from datetime import timedelta

import pytest
from contract.customer.conftest import Keeper, Store
from contract.customer.people import NOW, address, customer, event
from contract.souk.keeping import given_up, walked
from msgspec.structs import replace

from chalicelib.customer.model import Customer
from souk.accounts import Status
from souk.errors import Invalid
from souk.ids import new_id


def kept(store: Store, one: Customer) -> Customer:
    assert store.add_customer(one, "a hash")
    return one


def found(store: Store, text: str | None, *, status: Status | None = None) -> list[str]:
    return [one.id for one in walked(lambda cursor: store.customers(text=text, status=status, limit=50, cursor=cursor))]


def test_a_customer_is_found_as_they_were_added_and_told(keeper: Keeper) -> None:
    one = replace(customer(), locale="de-AT", market="elsewhere")
    said = event(one.id)
    with keeper.open() as store:
        assert store.add_customer(one, "a hash", said)
    with keeper.open() as store:
        assert store.customer(one.id) == store.customer_for_change(one.id) == one
    assert keeper.tells(said)


def test_nobody_is_found_who_is_not_there(keeper: Keeper) -> None:
    with keeper.open() as store:
        assert (store.customer(new_id()), store.customer_for_change(new_id())) == (None, None)


def test_an_address_is_one_customers_whatever_its_case_and_who_was_not_added_is_not_told(keeper: Keeper) -> None:
    said = event()
    with keeper.open() as store:
        one = kept(store, customer(email=f"Ä{new_id()}@Example.com"))
        for email in (one.email, one.email.lower(), one.email.upper()):
            assert not store.add_customer(customer(email=email), "another hash", said)
        assert store.customer(one.id) == one
    assert not keeper.tells(said)


def test_what_changes_about_a_customer_is_kept_and_told_and_the_rest_stays(keeper: Keeper) -> None:
    said = event()
    with keeper.open() as store:
        one = kept(store, customer())
        after = replace(one, name="Lovelace", locale="en-GB", status=Status.SUSPENDED, version=2)
        store.save_customer(replace(after, email="another@example.com", market="another"), said)
        assert store.customer(one.id) == after
    assert keeper.tells(said)


def test_a_change_that_fails_later_is_not_made_and_not_told(keeper: Keeper) -> None:
    said, home = event(), address()
    with keeper.open() as store:
        one = kept(store, customer())
    with given_up(keeper.open()) as store:
        store.save_customer(replace(one, name="Lovelace", version=2), said)
        store.save_address(one.id, home, NOW)
    with keeper.open() as store:
        assert (store.customer(one.id), store.addresses(one.id)) == (one, [])
    assert not keeper.tells(said)


def test_customers_are_listed_newest_first_page_by_page(keeper: Keeper) -> None:
    mark = new_id()
    with keeper.open() as store:
        made = [kept(store, customer(name=f"{mark} {age}", minutes=age)) for age in (2, 1, 1, 3, 3)]
        listed = walked(lambda cursor: store.customers(text=mark, status=None, limit=2, cursor=cursor))
    assert listed == sorted(made, key=lambda one: (one.created_at, one.id), reverse=True)


@pytest.mark.parametrize("of", ["name", "address"])
@pytest.mark.parametrize("typed", [str, str.lower, str.upper])
def test_a_customer_is_found_by_the_beginning_of_the_name_or_address_whatever_its_case(
    keeper: Keeper, of: str, typed: type[str]
) -> None:
    mark = f"Ünà{new_id()}"
    with keeper.open() as store:
        one = kept(store, customer(name=mark) if of == "name" else customer(email=f"{mark}@example.com"))
        assert found(store, typed(mark)) == [one.id]
        assert found(store, typed(mark[1:])) == []


@pytest.mark.parametrize("wild", ["%", "_", "\\", "%%", "*", "'"])
def test_what_is_typed_is_taken_literally(keeper: Keeper, wild: str) -> None:
    mark = new_id()
    with keeper.open() as store:
        literally = kept(store, customer(name=f"{mark}{wild}x"))
        kept(store, customer(name=f"{mark}ax"))
        assert found(store, f"{mark}{wild}x") == [literally.id]


def test_customers_are_found_by_their_status(keeper: Keeper) -> None:
    mark = new_id()
    with keeper.open() as store:
        one, other = (kept(store, customer(name=mark, minutes=age)) for age in range(2))
        store.save_customer(other.become(Status.SUSPENDED))
        assert found(store, mark, status=Status.ACTIVE) == [one.id]
        assert found(store, mark, status=Status.SUSPENDED) == [other.id]
        assert found(store, mark) == [one.id, other.id]
        everybody = found(store, None)
        assert [who for who in everybody if who in {one.id, other.id}] == [one.id, other.id]
        assert found(store, "") == everybody


def test_a_cursor_that_was_never_given_out_is_invalid(keeper: Keeper) -> None:
    with pytest.raises(Invalid), keeper.open() as store:
        store.customers(text=None, status=None, limit=2, cursor="nonsense!")


def test_addresses_are_listed_oldest_first_and_to_their_customer(keeper: Keeper) -> None:
    with keeper.open() as store:
        ada, eve = kept(store, customer()), kept(store, customer())
        made = [address() for _ in range(3)]
        for age, one in enumerate(made):
            store.save_address(ada.id, one, NOW - timedelta(minutes=age))
        assert store.addresses(ada.id) == made[::-1]
        assert store.addresses(eve.id) == []


def test_addresses_of_one_moment_are_listed_in_one_order(keeper: Keeper) -> None:
    with keeper.open() as store:
        ada, made = kept(store, customer()), [address() for _ in range(4)]
        for one in made:
            store.save_address(ada.id, one, NOW)
        assert store.addresses(ada.id) == sorted(made, key=lambda one: one.id)


def test_an_address_is_found_by_its_customer_alone(keeper: Keeper) -> None:
    home = address()
    with keeper.open() as store:
        ada, eve = kept(store, customer()), kept(store, customer())
        store.save_address(ada.id, home, NOW)
        assert store.address(ada.id, home.id) == store.address_for_change(ada.id, home.id) == home
        assert (store.address(eve.id, home.id), store.address_for_change(eve.id, home.id)) == (None, None)
        assert (store.address(ada.id, new_id()), store.address_for_change(ada.id, new_id())) == (None, None)


def test_a_changed_address_keeps_its_place(keeper: Keeper) -> None:
    home, work = address(), address()
    with keeper.open() as store:
        ada = kept(store, customer())
        store.save_address(ada.id, home, NOW)
        store.save_address(ada.id, work, NOW + timedelta(minutes=1))
        moved = replace(home, city="Shelbyville", extra="", phone="", version=2)
        store.save_address(ada.id, moved, NOW + timedelta(minutes=2))
        assert store.addresses(ada.id) == [moved, work]


def test_an_address_is_not_changed_under_another_customer(keeper: Keeper) -> None:
    home = address()
    with keeper.open() as store:
        ada, eve = kept(store, customer()), kept(store, customer())
        store.save_address(ada.id, home, NOW)
        store.save_address(eve.id, replace(home, city="Shelbyville"), NOW)
        assert (store.addresses(ada.id), store.addresses(eve.id)) == ([home], [])


def test_an_address_is_removed_once_and_by_its_customer(keeper: Keeper) -> None:
    home, work = address(), address()
    with keeper.open() as store:
        ada, eve = kept(store, customer()), kept(store, customer())
        for one in (home, work):
            store.save_address(ada.id, one, NOW)
        assert not store.remove_address(eve.id, home.id)
        assert store.remove_address(ada.id, home.id)
        assert not store.remove_address(ada.id, home.id)
        assert store.addresses(ada.id) == [work]
