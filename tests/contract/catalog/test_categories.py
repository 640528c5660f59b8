"""What every keeper of the category tree promises, in memory as in PostgreSQL."""

from datetime import timedelta

import pytest
from contract.catalog.conftest import Keeper
from contract.catalog.goods import NOW, category, event
from contract.souk.keeping import given_up
from msgspec.structs import replace

from souk.errors import Refused
from souk.ids import new_id


def test_categories_stand_in_the_tree_as_they_were_saved_and_are_told(keeper: Keeper) -> None:
    root, said = category(), [event(), event()]
    first, second = category(root, position=1), category(root, position=0)
    with keeper.open() as store:
        store.save_categories([root, first, second], *said, now=NOW)
    with keeper.open() as store:
        for tree in (store.tree(), store.tree_for_change()):
            assert tree.by_id[root.id] == root
            assert tree.children(root.id) == [second, first]
    assert [keeper.tells(one) for one in said] == [True, True]


def test_a_change_is_kept_and_the_other_categories_stay(keeper: Keeper) -> None:
    root, other = category(), category()
    child = category(root)
    with keeper.open() as store:
        store.save_categories([root, other, child], now=NOW)
        moved = replace(child.renamed("Wine"), parent_id=other.id, position=7)
        store.save_categories([moved], now=NOW)
        tree = store.tree()
    assert [tree.by_id[one.id] for one in (root, other, child)] == [root, other, moved]


def test_what_is_removed_stands_in_no_tree(keeper: Keeper) -> None:
    one = category()
    with keeper.open() as store:
        store.save_categories([one], now=NOW)
        store.save_categories([one.removed()], now=NOW)
        assert one.id not in store.tree().by_id
        assert one.id not in store.tree_for_change().by_id


def test_what_was_removed_may_come_back(keeper: Keeper) -> None:
    one = category()
    with keeper.open() as store:
        store.save_categories([one.removed()], now=NOW)
        back = replace(one, version=3)
        store.save_categories([back], now=NOW)
        assert store.tree().by_id[one.id] == back


@pytest.mark.parametrize("below", [True, False])
def test_a_sibling_has_a_slug_of_its_own_and_what_is_refused_is_not_told(keeper: Keeper, below: bool) -> None:  # noqa: FBT001
    root, slug, said = category(), new_id(), event()
    parent = root if below else None
    with keeper.open() as store:
        store.save_categories([root, category(parent, slug=slug)], now=NOW)
    with pytest.raises(Refused) as refused, keeper.open() as store:
        store.save_categories([category(parent, slug=slug)], said, now=NOW)
    assert refused.value.kind == "name-taken"
    assert not keeper.tells(said)


def test_a_sibling_gets_no_slug_that_is_taken_by_a_rename_or_a_move(keeper: Keeper) -> None:
    root, slug = category(), new_id()
    first, second, elsewhere = category(root, slug=slug), category(root), category(slug=slug)
    with keeper.open() as store:
        store.save_categories([root, first, second, elsewhere], now=NOW)
    for taken in (replace(second, slug=slug), replace(elsewhere, parent_id=root.id)):
        with pytest.raises(Refused) as refused, keeper.open() as store:
            store.save_categories([taken], now=NOW)
        assert refused.value.kind == "name-taken"
    with keeper.open() as store:
        assert store.tree().by_id[second.id] == second


def test_one_slug_may_stand_at_different_places_and_a_removed_one_is_free(keeper: Keeper) -> None:
    root, slug = category(), new_id()
    here, there = category(root, slug=slug), category(slug=slug)
    with keeper.open() as store:
        store.save_categories([root, here, there], now=NOW)
        store.save_categories([here.removed()], now=NOW)
        again = category(root, slug=slug)
        store.save_categories([again], now=NOW)
        assert store.tree().children(root.id) == [again]


def test_a_change_that_fails_later_is_not_made_and_not_told(keeper: Keeper) -> None:
    one, other, said = category(), category(), event()
    with keeper.open() as store:
        store.save_categories([one], now=NOW)
    with given_up(keeper.open()) as store:
        store.save_categories([one.renamed("Wine"), other], said, now=NOW)
    with keeper.open() as store:
        tree = store.tree()
        assert (tree.by_id[one.id], other.id in tree.by_id) == (one, False)
    assert not keeper.tells(said)


def test_what_changed_is_found_in_the_order_of_changes_with_what_was_removed(keeper: Keeper) -> None:
    minute = timedelta(minutes=1)
    old, one, gone = category(), category(), category()
    with keeper.open() as store:
        store.save_categories([old], now=NOW)
        store.save_categories([gone, one], now=NOW + minute)
        store.save_categories([gone.removed()], now=NOW + 2 * minute)
        since = store.changed_categories(NOW + minute)
        ever = store.changed_categories(NOW)
    mine = {old.id, one.id, gone.id}
    assert [each for each in since if each.id in mine] == [one, gone.removed()]
    assert [each for each in ever if each.id in mine] == [old, one, gone.removed()]
