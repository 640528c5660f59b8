"""What every keeper of staff and roles promises, in memory as in PostgreSQL."""

import pytest
from contract.admin.conftest import Keeper
from contract.admin.people import event, member, role
from contract.souk.keeping import given_up, walked
from msgspec.structs import replace

from chalicelib.admin.model import OWNER, PERMISSIONS, Role
from souk.accounts import Status
from souk.errors import Invalid
from souk.ids import new_id
from souk.paging import seal


def test_a_member_is_found_as_they_were_added(keeper: Keeper) -> None:
    one = member("desk", "shelves")
    with keeper.open() as store:
        assert store.add_member(one, "a hash")
    with keeper.open() as store:
        assert store.member(one.id) == store.member_for_change(one.id) == one


def test_nobody_is_found_who_is_not_there(keeper: Keeper) -> None:
    with keeper.open() as store:
        unknown = new_id()
        assert (store.member(unknown), store.member_for_change(unknown), store.standing(unknown)) == (None, None, None)


def test_an_address_is_one_members_whatever_its_case(keeper: Keeper) -> None:
    one = member(email=f"Ä{new_id()}@Example.com")
    with keeper.open() as store:
        assert store.add_member(one, "a hash")
        assert not store.add_member(member(email=one.email.lower()), "another hash")
        assert not store.add_member(member(email=one.email.upper()), "another hash")
        assert store.member(one.id) == one


def test_what_changes_about_a_member_is_kept_and_told_and_the_rest_stays(keeper: Keeper) -> None:
    one, said = member("desk"), event()
    after = replace(one, name="Hopper", roles=frozenset({"a", "b"}), status=Status.SUSPENDED, version=2)
    with keeper.open() as store:
        store.add_member(one, "a hash")
        store.save_member(replace(after, email="another@example.com"), said)
        assert store.member(one.id) == after
    assert keeper.tells(said)


def test_a_change_that_fails_later_is_not_made_and_not_told(keeper: Keeper) -> None:
    one, said, other = member("desk"), event(), role("orders:read")
    with keeper.open() as store:
        store.add_member(one, "a hash")
    with given_up(keeper.open()) as store:
        store.save_member(replace(one, name="Hopper", version=2), said)
        store.add_role(other)
    with keeper.open() as store:
        assert (store.member(one.id), store.role(other.name)) == (one, None)
    assert not keeper.tells(said)


def test_events_are_told_of_their_own(keeper: Keeper) -> None:
    said = [event(), event()]
    with keeper.open() as store:
        store.add_events(*said)
    assert [keeper.tells(one) for one in [*said, event()]] == [True, True, False]


def test_staff_are_listed_newest_first_page_by_page(keeper: Keeper) -> None:
    made = [member(minutes=age) for age in (1, 1, 2, 3, 3)]
    with keeper.open() as store:
        for one in made:
            store.add_member(one, "a hash")
        listed = walked(lambda cursor: store.members(limit=2, cursor=cursor))
    mine = [one for one in listed if one in made]
    assert mine == sorted(made, key=lambda one: (one.created_at, one.id), reverse=True)


def test_the_last_page_names_no_other(keeper: Keeper) -> None:
    with keeper.open() as store:
        store.add_member(member(), "a hash")
        everybody = walked(lambda cursor: store.members(limit=100, cursor=cursor))
        last = everybody[-1]
        assert store.members(limit=1, cursor=seal((last.created_at, last.id))).items == []
        assert store.members(limit=1, cursor=None).items == everybody[:1]


def test_a_cursor_that_was_never_given_out_is_invalid(keeper: Keeper) -> None:
    for cursor in ("nonsense!", seal("a name"), seal([1, 2])):
        with pytest.raises(Invalid), keeper.open() as store:
            store.members(limit=2, cursor=cursor)


def test_a_member_stands_as_their_roles_are_at_the_moment(keeper: Keeper) -> None:
    one, other = role("orders:read"), role("orders:write", "stock:read")
    who = member(one.name, other.name, "no-such-role")
    with keeper.open() as store:
        for each in (one, other):
            store.add_role(each)
        store.add_member(who, "a hash")
        standing = store.standing(who.id)
        assert standing is not None
        assert (standing.status, standing.permissions) == (Status.ACTIVE, one.permissions | other.permissions)
        store.save_role(replace(other, permissions=frozenset(), version=2))
        store.save_member(replace(who, status=Status.SUSPENDED, version=2))
        after = store.standing(who.id)
        assert after is not None
        assert (after.status, after.permissions) == (Status.SUSPENDED, one.permissions)


def test_an_owner_may_also_what_is_newer_than_the_role(keeper: Keeper) -> None:
    who = member(OWNER)
    with given_up(keeper.open()) as store:  # the owner's role stays as it is for everybody else
        store.save_role(Role(name=OWNER, permissions=frozenset({"orders:read"})))
        store.add_member(who, "a hash")
        standing = store.standing(who.id)
        assert standing is not None
        assert standing.permissions == store.permissions(who.id) == PERMISSIONS


def test_a_role_is_found_by_its_name_and_others_are_not(keeper: Keeper) -> None:
    one = role("orders:read", "stock:read")
    with keeper.open() as store:
        store.add_role(one)
        assert store.role(one.name) == one
        assert store.role(new_id()) is None
        assert store.roles([one.name, new_id()]) == [one]
        assert store.roles([]) == []


def test_roles_are_listed_by_name(keeper: Keeper) -> None:
    mark = role().name
    made = [Role(name=f"{mark}{end}", permissions=frozenset()) for end in ("b", "-a", "a", "0")]
    with keeper.open() as store:
        for one in made:
            store.add_role(one)
        names = [one.name for one in store.roles() if one.name.startswith(mark)]
        assert names == [one.name for one in store.roles([one.name for one in made])] == sorted(names)
    assert names == [f"{mark}{end}" for end in ("-a", "0", "a", "b")]


def test_a_name_is_one_roles_and_what_was_not_added_is_not_told(keeper: Keeper) -> None:
    one, first, second = role("orders:read"), event(), event()
    with keeper.open() as store:
        assert store.add_role(one, first)
        assert not store.add_role(replace(one, permissions=frozenset()), second)
        assert store.role(one.name) == one
    assert (keeper.tells(first), keeper.tells(second)) == (True, False)


def test_a_role_is_saved_new_or_changed_and_told(keeper: Keeper) -> None:
    one, said = role("orders:read"), event()
    changed = one.granting(frozenset({"stock:read"}))
    with keeper.open() as store:
        store.save_role(one)
        assert store.role(one.name) == one
        store.save_role(changed, said)
        assert store.role(one.name) == changed
    assert keeper.tells(said)
