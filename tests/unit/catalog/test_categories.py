"""What staff do with single categories and types of products, with keepers in memory."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from contract.catalog.memory import MemoryCatalog
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.catalog import categories, imports, product_types
from chalicelib.catalog.events import CategoryChanged, ProductTypeChanged
from chalicelib.catalog.model import DEEPEST, Attribute, AttributeType, Category, ProductType
from souk.audit import Audited, Origin
from souk.auth import Caller, Kind
from souk.errors import Invalid, Missing, Refused, Stale
from souk.events import Event
from souk.ids import new_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BY = Origin(Caller(kind=Kind.STAFF, subject="ada"), "10.0.0.1")
COLOR = Attribute(name="color", type=AttributeType.CHOICE, choices=("red", "white"))


@pytest.fixture
def store() -> MemoryCatalog:
    return MemoryCatalog()


def created(store: MemoryCatalog, name: str = "", parent: Category | None = None) -> Category:
    return categories.create(name or new_id(), parent.id if parent else None, by=BY, now=NOW, store=store)[0]


def told(store: MemoryCatalog) -> list[Event]:
    """Return what was told since this was asked last."""
    said, store.outbox = store.outbox, []
    return said


def test_a_child_is_put_after_its_siblings(store: MemoryCatalog) -> None:
    root = created(store)
    assert [created(store, parent=root).position for _ in range(3)] == [0, 1, 2]


@pytest.mark.parametrize("nowhere", [new_id(), "nonsense", ""])
def test_what_is_not_there_is_missing(store: MemoryCatalog, nowhere: str) -> None:
    root = created(store)
    with pytest.raises(Missing):
        categories.read(nowhere, store=store)
    with pytest.raises(Missing):
        categories.create("Wine", nowhere, by=BY, now=NOW, store=store)
    with pytest.raises(Missing):
        categories.rename(nowhere, "Wine", seen=1, by=BY, now=NOW, store=store)
    with pytest.raises(Missing):
        categories.move(nowhere, None, 0, seen=1, by=BY, now=NOW, store=store)
    with pytest.raises(Missing):
        categories.move(root.id, nowhere, 0, seen=1, by=BY, now=NOW, store=store)
    with pytest.raises(Missing):
        categories.remove(nowhere, seen=1, by=BY, now=NOW, store=store)
    assert store.tree().by_id == {root.id: root}


def test_a_change_is_made_to_the_version_that_was_seen(store: MemoryCatalog) -> None:
    root = created(store)
    for seen in (0, 2):
        with pytest.raises(Stale):
            categories.rename(root.id, "Wine", seen=seen, by=BY, now=NOW, store=store)
        with pytest.raises(Stale):
            categories.move(root.id, None, 3, seen=seen, by=BY, now=NOW, store=store)
        with pytest.raises(Stale):
            categories.remove(root.id, seen=seen, by=BY, now=NOW, store=store)
    assert categories.rename(root.id, "Wine", seen=1, by=BY, now=NOW, store=store)[0].version == 2


def test_a_rename_is_told_of_all_that_is_below_and_of_nothing_beside(store: MemoryCatalog) -> None:
    root, beside = created(store), created(store)
    child = created(store, parent=root)
    grandchild = created(store, parent=child)
    told(store)
    categories.rename(root.id, "Wine", seen=1, by=BY, now=NOW, store=store)
    assert {one.aggregate for one in told(store) if one.type == CategoryChanged.TYPE} == {
        root.id,
        child.id,
        grandchild.id,
    }
    assert store.tree().by_id[beside.id] == beside


def test_another_position_beside_its_siblings_changes_nobodys_path(store: MemoryCatalog) -> None:
    root = created(store)
    child = created(store, parent=root)
    told(store)
    categories.move(root.id, None, 9, seen=1, by=BY, now=NOW, store=store)
    assert [one.aggregate for one in told(store) if one.type == CategoryChanged.TYPE] == [root.id]
    assert store.tree().by_id[child.id] == child


def test_nothing_is_put_below_the_deepest_level(store: MemoryCatalog) -> None:
    above = None
    for _ in range(DEEPEST):
        above = created(store, parent=above)
    with pytest.raises(Refused) as refused:
        created(store, parent=above)
    assert refused.value.kind == "too-deep"


def test_what_has_something_below_it_is_not_removed(store: MemoryCatalog) -> None:
    root = created(store)
    child = created(store, parent=root)
    with pytest.raises(Refused) as refused:
        categories.remove(root.id, seen=1, by=BY, now=NOW, store=store)
    assert refused.value.kind == "not-empty"
    categories.remove(child.id, seen=1, by=BY, now=NOW, store=store)
    categories.remove(root.id, seen=1, by=BY, now=NOW, store=store)
    assert store.tree().by_id == {}


def test_every_change_stands_in_the_trail(store: MemoryCatalog) -> None:
    root = created(store)
    categories.rename(root.id, "Wine", seen=1, by=BY, now=NOW, store=store)
    categories.move(root.id, None, 1, seen=2, by=BY, now=NOW, store=store)
    categories.remove(root.id, seen=3, by=BY, now=NOW, store=store)
    said = [one.read(Audited) for one in told(store) if one.type == Audited.TYPE]
    assert [one.action.removeprefix("category.") for one in said] == ["create", "rename", "move", "remove"]
    assert {(one.actor, one.subject, one.source_ip) for one in said} == {("ada", root.id, "10.0.0.1")}


paths = st.lists(st.sampled_from(["FOOD", "Tea", "tea", "Wine"]), min_size=1, max_size=4).map(tuple)


@given(st.lists(paths, max_size=6), st.lists(paths, max_size=6))
def test_an_import_adds_what_is_missing_on_the_way_and_nothing_twice(
    first: list[tuple[str, ...]], second: list[tuple[str, ...]]
) -> None:
    store = MemoryCatalog()
    for given_paths in (first, second):
        imports.import_categories(given_paths, now=NOW, store=store)
    wanted = {path[:depth] for path in [*first, *second] for depth in range(1, len(path) + 1)}
    tree = store.tree()
    found = {tuple(one.name for one in tree.path(each)) for each in tree.by_id}
    assert (found, len(tree.by_id)) == (wanted, len(wanted))
    assert imports.import_categories([*second, *first], now=NOW, store=store) == 0


def kind(store: MemoryCatalog, code: str = "wine", *attributes: Attribute) -> ProductType:
    return product_types.create(code, "Wine", attributes, by=BY, now=NOW, store=store)


def test_a_type_is_made_edited_and_removed_by_version_and_each_is_told(store: MemoryCatalog) -> None:
    made = kind(store, "wine", COLOR)
    for seen in (0, 2):
        with pytest.raises(Stale):
            product_types.edit(made.id, "Wines", (), seen=seen, by=BY, now=NOW, store=store)
        with pytest.raises(Stale):
            product_types.remove(made.id, seen=seen, by=BY, now=NOW, store=store)
    edited = product_types.edit(made.id, "Wines", (), seen=1, by=BY, now=NOW, store=store)
    assert product_types.read(made.id, store=store) == edited
    assert (edited.code, edited.name, edited.attributes, edited.version) == ("wine", "Wines", (), 2)
    product_types.remove(made.id, seen=2, by=BY, now=NOW, store=store)
    said = told(store)
    facts = [(one.version, one.read(ProductTypeChanged)) for one in said if one.type == ProductTypeChanged.TYPE]
    assert [(version, fact.name, fact.state) for version, fact in facts] == [
        (1, "Wine", "active"),
        (2, "Wines", "active"),
        (3, "Wines", "removed"),
    ]
    assert [one.read(Audited).action.removeprefix("product-type.") for one in said if one.type == Audited.TYPE] == [
        "create",
        "edit",
        "remove",
    ]


def test_a_type_that_was_removed_is_missing_and_its_code_is_free(store: MemoryCatalog) -> None:
    made = kind(store)
    with pytest.raises(Refused) as taken:
        kind(store)
    assert taken.value.kind == "name-taken"
    product_types.remove(made.id, seen=1, by=BY, now=NOW, store=store)
    for gone in (made.id, new_id(), "nonsense"):
        with pytest.raises(Missing):
            product_types.read(gone, store=store)
        with pytest.raises(Missing):
            product_types.edit(gone, "Wine", (), seen=2, by=BY, now=NOW, store=store)
        with pytest.raises(Missing):
            product_types.remove(gone, seen=2, by=BY, now=NOW, store=store)
    assert kind(store).id != made.id


def test_an_import_finds_the_type_that_an_earlier_one_added_and_brings_a_removed_one_back(store: MemoryCatalog) -> None:
    first = imports.import_product_type("wine", "Wine", (COLOR,), now=NOW, store=store)
    told(store)
    assert imports.import_product_type("wine", "Wines", (), now=NOW, store=store) == first
    assert told(store) == []
    product_types.remove(first.id, seen=1, by=BY, now=NOW, store=store)
    back = imports.import_product_type("wine", "Wines", (), now=NOW, store=store)
    assert (back.id, back.name, back.version) == (first.id, "Wines", 3)
    assert product_types.read(first.id, store=store) == back


attributes = st.builds(
    Attribute,
    name=st.sampled_from(["color", "vintage", "organic"]),
    type=st.sampled_from(AttributeType),
    required=st.booleans(),
    choices=st.lists(st.sampled_from(["red", "white"]), max_size=2).map(tuple),
)


@given(st.lists(attributes, max_size=5).map(tuple))
def test_a_type_has_attributes_of_different_names_and_choices_where_one_chooses(given: tuple[Attribute, ...]) -> None:
    store = MemoryCatalog()
    twice = {f"/attributes/{at}/name" for at, one in enumerate(given) if one.name in {each.name for each in given[:at]}}
    odd = {
        f"/attributes/{at}/choices"
        for at, one in enumerate(given)
        if (one.type is AttributeType.CHOICE) is not bool(one.choices)
    }
    before = kind(store, "before")
    if not twice | odd:
        assert kind(store, "after", *given).attributes == given
        return
    changes: list[Callable[[], object]] = [
        lambda: kind(store, "after", *given),
        lambda: product_types.edit(before.id, "Wine", given, seen=1, by=BY, now=NOW, store=store),
    ]
    for change in changes:
        with pytest.raises(Invalid) as refused:
            change()
        assert {fault.pointer for fault in refused.value.faults} == twice | odd
    assert product_types.read(before.id, store=store) == before
    assert store.product_types(limit=9, cursor=None).items == [before]
