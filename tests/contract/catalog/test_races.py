"""What holds when staff change the catalog at once; in PostgreSQL alone, as memory has no rivals."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from contract.catalog.goods import NOW, category, kind
from contract.souk.keeping import at_once, await_somebody_waiting, given_up

from chalicelib.catalog import categories, live, product_types
from chalicelib.catalog.model import Category
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.errors import Refused, Stale
from souk.ids import new_id

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("stores")]
BY = Origin(Caller(kind=Kind.STAFF, subject=new_id()))


def placed(*made: Category) -> None:
    with live.catalog() as store:
        store.save_categories(made, now=NOW)


def moving(one: Category, below: Category) -> Callable[[], object]:
    def move() -> None:
        with live.catalog() as store:
            categories.move(one.id, below.id, 0, seen=1, by=BY, now=NOW, store=store)

    return move


def test_two_that_are_moved_below_each_other_at_once_make_no_cycle() -> None:
    first, second = category(), category()
    placed(first, second)
    (refused,) = [one for one in at_once(moving(first, second), moving(second, first)) if one]
    assert (type(refused), refused.kind) in {(Refused, "cycle"), (Stale, "stale")}
    with live.reading() as store:
        tree = store.tree()
    assert sorted(len(tree.path(one.id)) for one in (first, second)) == [1, 2]


def test_of_many_that_get_one_name_at_once_one_does() -> None:
    root, name = category(), new_id()
    placed(root)

    def create() -> None:
        with live.catalog() as store:
            categories.create(name, root.id, by=BY, now=NOW, store=store)

    refused = [one for one in at_once(*[create] * 6) if one]
    assert [one.kind for one in refused] == ["name-taken"] * 5


def test_children_made_at_once_follow_one_another() -> None:
    root = category()
    placed(root)

    def create() -> None:
        with live.catalog() as store:
            categories.create(new_id(), root.id, by=BY, now=NOW, store=store)

    assert at_once(*[create] * 6) == [None] * 6
    with live.reading() as store:
        assert [one.position for one in store.tree().children(root.id)] == [0, 1, 2, 3, 4, 5]


def test_a_category_that_gets_a_child_while_it_is_removed_keeps_the_child_or_goes_without() -> None:
    root = category()
    placed(root)

    def create() -> None:
        with live.catalog() as store:
            categories.create("Wine", root.id, by=BY, now=NOW, store=store)

    def remove() -> None:
        with live.catalog() as store:
            categories.remove(root.id, seen=1, by=BY, now=NOW, store=store)

    made, removed = at_once(create, remove)
    assert (made is None) is not (removed is None)
    with live.reading() as store:
        tree = store.tree()
    assert (root.id in tree.by_id, len(tree.children(root.id))) == ((True, 1) if made is None else (False, 0))


def test_of_many_who_edit_a_type_as_they_saw_it_one_does() -> None:
    one = kind()
    with live.catalog() as store:
        store.save_product_type(one, now=NOW)

    def edit() -> None:
        with live.catalog() as store:
            product_types.edit(one.id, "Wines", (), seen=1, by=BY, now=NOW, store=store)

    refused = [one for one in at_once(*[edit] * 6) if one]
    assert [type(one) for one in refused] == [Stale] * 5


def test_of_many_who_make_a_type_of_one_code_one_does() -> None:
    code = kind().code

    def create() -> None:
        with live.catalog() as store:
            product_types.create(code, "Wine", (), by=BY, now=NOW, store=store)

    refused = [one for one in at_once(*[create] * 6) if one]
    assert [one.kind for one in refused] == ["name-taken"] * 5


def test_the_tree_and_a_type_that_are_read_for_change_wait_for_who_has_them_and_others_read_on() -> None:
    root, wine = category(), kind()
    placed(root)
    with live.catalog() as store:
        store.save_product_type(wine, now=NOW)

    def take_tree() -> None:
        with given_up(live.catalog()) as store:
            store.tree_for_change()

    def take_type() -> None:
        with given_up(live.catalog()) as store:
            store.product_type_for_change(wine.id)

    def read() -> bool:
        with live.reading() as store:
            return root.id in store.tree().by_id and store.product_type(wine.id) == wine

    for take in (take_tree, take_type):
        with ThreadPoolExecutor() as beside:
            with live.catalog() as store:
                assert root.id in store.tree_for_change().by_id
                assert store.product_type_for_change(wine.id)
                taken = beside.submit(take)
                await_somebody_waiting("catalog")
                assert beside.submit(read).result()
                assert not taken.done()
            taken.result()
