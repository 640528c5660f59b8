"""What every keeper of types of products promises, in memory as in PostgreSQL."""

from datetime import timedelta

import pytest
from contract.catalog.conftest import Keeper
from contract.catalog.goods import COLOR, NOW, VINTAGE, event, kind
from contract.souk.keeping import given_up, walked
from msgspec.structs import replace

from souk.errors import Invalid, Refused
from souk.ids import new_id


def test_a_type_is_found_as_it_was_saved_and_told(keeper: Keeper) -> None:
    one, said = kind(COLOR, VINTAGE), event()
    with keeper.open() as store:
        store.save_product_type(one, said, now=NOW)
    with keeper.open() as store:
        assert store.product_type(one.id) == store.product_type_for_change(one.id) == one
        assert (store.product_type(new_id()), store.product_type_for_change(new_id())) == (None, None)
    assert keeper.tells(said)


def test_a_change_is_kept_and_the_code_stays(keeper: Keeper) -> None:
    one = kind(COLOR)
    with keeper.open() as store:
        store.save_product_type(one, now=NOW)
        edited = one.edited(name="Wines", attributes=(VINTAGE, COLOR))
        store.save_product_type(replace(edited, code="another"), now=NOW)
        assert store.product_type(one.id) == edited


def test_what_is_removed_is_found_no_more_and_may_come_back(keeper: Keeper) -> None:
    one = kind()
    with keeper.open() as store:
        store.save_product_type(one, now=NOW)
        store.save_product_type(one.removed(), now=NOW)
        assert (store.product_type(one.id), store.product_type_for_change(one.id)) == (None, None)
        assert one not in walked(lambda cursor: store.product_types(limit=100, cursor=cursor))
        store.save_product_type(replace(one, version=3), now=NOW)
        assert store.product_type(one.id) == replace(one, version=3)


def test_a_code_is_one_types_and_what_is_refused_is_not_told(keeper: Keeper) -> None:
    one, said = kind(), event()
    with keeper.open() as store:
        store.save_product_type(one, now=NOW)
    with pytest.raises(Refused) as refused, keeper.open() as store:
        store.save_product_type(kind(code=one.code), said, now=NOW)
    assert refused.value.kind == "name-taken"
    assert not keeper.tells(said)


def test_the_code_of_a_removed_type_is_free_and_then_taken_for_it_too(keeper: Keeper) -> None:
    one = kind()
    other = kind(code=one.code)
    with keeper.open() as store:
        store.save_product_type(one.removed(), now=NOW)
        store.save_product_type(other, now=NOW)
        assert store.product_type(other.id) == other
    with pytest.raises(Refused), keeper.open() as store:
        store.save_product_type(replace(one, version=3), now=NOW)


def test_types_are_listed_by_code_page_by_page(keeper: Keeper) -> None:
    mark = kind().code
    made = [kind(code=f"{mark}{end}") for end in ("b", "-a", "a", "0", "aa")]
    with keeper.open() as store:
        for one in made:
            store.save_product_type(one, now=NOW)
        listed = walked(lambda cursor: store.product_types(limit=2, cursor=cursor))
    mine = [one for one in listed if one in made]
    assert [one.code.removeprefix(mark) for one in mine] == ["-a", "0", "a", "aa", "b"]


def test_a_cursor_that_was_never_given_out_is_invalid(keeper: Keeper) -> None:
    with pytest.raises(Invalid), keeper.open() as store:
        store.product_types(limit=2, cursor="nonsense!")


def test_a_change_that_fails_later_is_not_made_and_not_told(keeper: Keeper) -> None:
    one, said = kind(), event()
    with keeper.open() as store:
        store.save_product_type(one, now=NOW)
    with given_up(keeper.open()) as store:
        store.save_product_type(one.edited(name="Wines", attributes=()), said, now=NOW)
    with keeper.open() as store:
        assert store.product_type(one.id) == one
    assert not keeper.tells(said)


def test_what_changed_is_found_in_the_order_of_changes_with_what_was_removed(keeper: Keeper) -> None:
    minute = timedelta(minutes=1)
    old, one, gone = kind(), kind(), kind()
    with keeper.open() as store:
        store.save_product_type(old, now=NOW)
        for each in (gone, one):
            store.save_product_type(each, now=NOW + minute)
        store.save_product_type(gone.removed(), now=NOW + 2 * minute)
        since = store.changed_product_types(NOW + minute)
        ever = store.changed_product_types(NOW)
    mine = {old.id, one.id, gone.id}
    assert [each for each in since if each.id in mine] == [one, gone.removed()]
    assert [each for each in ever if each.id in mine] == [old, one, gone.removed()]
