"""The category tree: whatever is moved, it stays a tree."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.catalog.model import DEEPEST, Attribute, AttributeType, Category, ProductType, Tree, slug_of
from souk.errors import Invalid, Refused


def chain(length: int) -> Tree:
    """Return a tree in which each category lies below the one before."""
    return Tree(
        [Category(id=str(n), parent_id=str(n - 1) if n else None, name=f"n{n}", slug=f"n{n}") for n in range(length)]
    )


@st.composite
def forests(draw: st.DrawFn) -> list[Category]:
    """Return categories, each a root or below an earlier one, not too deep."""
    made: list[Category] = []
    depth: dict[str, int] = {}
    for number in range(draw(st.integers(1, 12))):
        above = [one.id for one in made if depth[one.id] < DEEPEST]
        parent = draw(st.sampled_from([None, *above]))
        made.append(Category(id=str(number), parent_id=parent, name=f"n{number}", slug=f"n{number}"))
        depth[str(number)] = 1 + (depth[parent] if parent else 0)
    return made


@given(forests(), st.data())
def test_whatever_is_moved_where_it_may_be_no_category_lies_below_itself(
    made: list[Category], data: st.DataObject
) -> None:
    moved = data.draw(st.sampled_from(made))
    parent = data.draw(st.sampled_from([None, *(one.id for one in made)]))
    tree = Tree(made)
    try:
        tree.check_move(moved.id, parent)
    except Refused:
        return
    after = Tree([replace(one, parent_id=parent) if one.id == moved.id else one for one in made])
    assert all(len(after.path(one.id)) <= DEEPEST for one in made)
    assert {one.id for root in after.children(None) for one in [root, *after.below(root.id)]} == {
        one.id for one in made
    }


@given(forests())
def test_a_path_leads_from_a_root_to_the_category(made: list[Category]) -> None:
    tree = Tree(made)
    for one in made:
        way = tree.path(one.id)
        assert way[0].parent_id is None
        assert way[-1].id == one.id
        assert all(below.parent_id == above.id for above, below in pairwise(way))


def test_a_category_cannot_be_put_below_itself() -> None:
    with pytest.raises(Refused) as refused:
        chain(3).check_move("0", "2")
    assert refused.value.kind == "cycle"


def test_a_tree_does_not_grow_too_deep_by_a_move() -> None:
    tree = Tree([*chain(DEEPEST).by_id.values(), Category(id="x", parent_id=None, name="x", slug="x")])
    with pytest.raises(Refused) as refused:
        tree.check_move("x", str(DEEPEST - 1))
    assert refused.value.kind == "too-deep"


@pytest.mark.parametrize(
    ("name", "slug"),
    [("Fruit & Veg", "fruit-veg"), ("Crème brûlée", "creme-brulee"), ("日本", "category"), ("  A  ", "a")],
)
def test_a_slug_is_plain(name: str, slug: str) -> None:
    assert slug_of(name) == slug


def test_choices_go_with_a_choice_and_with_nothing_else() -> None:
    with pytest.raises(Invalid):
        ProductType(
            id="1", code="a", name="A", attributes=(Attribute(name="b", type=AttributeType.TEXT, choices=("c",)),)
        )
