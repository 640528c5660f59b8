"""The rules of products."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from contract.product.goods import category, product, sku
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.product.model import ALL, MOVES, Details, Product, Sku, State, Stock, moment, slug_of
from chalicelib.product.product_types import Attribute, Kind, ProductType
from souk.errors import Invalid, Refused
from souk.money import Money

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def moved(one: Product, to: State) -> Product:
    return one.move(to, by="me", now=NOW)


@pytest.mark.parametrize("was", State)
@pytest.mark.parametrize("to", State)
def test_a_product_moves_only_as_the_table_says(was: State, to: State) -> None:
    one = product(state=was)
    if to is was:
        assert moved(one, to) is one
    elif to in MOVES[was]:
        assert (moved(one, to).state, moved(one, to).version) == (to, 2)
    else:
        with pytest.raises(Refused):
            moved(one, to)


@pytest.mark.parametrize("skus", [[], [sku(None)], [sku(1), sku(None)]])
def test_what_cannot_be_sold_is_not_published(skus: list[Sku]) -> None:
    with pytest.raises(Refused):
        moved(product(state=State.DRAFT, skus=skus), State.PUBLISHED)


def test_what_is_on_sale_stays_sellable() -> None:
    one = product()
    with pytest.raises(Refused):
        one.edit(replace(one.details, skus=[]), by="me", now=NOW)


def test_what_is_in_the_trash_is_not_edited() -> None:
    one = product(state=State.TRASHED)
    with pytest.raises(Refused):
        one.edit(replace(one.details, title="New"), by="me", now=NOW)


def test_an_edit_that_changes_nothing_is_no_version() -> None:
    one = product()
    assert one.edit(one.details, by="me", now=NOW) is one


def test_a_recovered_product_has_its_id_and_skus_again() -> None:
    one = product()
    back = moved(moved(one, State.TRASHED), State.DRAFT)
    assert (back.id, back.details) == (one.id, one.details)


def test_a_product_that_is_published_again_is_no_news() -> None:
    one = product(minutes=60)
    assert moved(moved(one, State.DRAFT), State.PUBLISHED).published_at == one.published_at


def test_a_product_in_another_category_forgets_the_old_one() -> None:
    one = product(within=category())
    assert one.edit(replace(one.details, category_id="other"), by="me", now=NOW).category is None


def test_stock_of_a_sku_that_went_is_forgotten() -> None:
    gone, stays = sku(), sku()
    levels = [Stock(sku=own.sku, version=1, available=1) for own in (gone, stays)]
    one = product(skus=[gone, stays]).merged(None, levels)
    assert [level.sku for level in one.edit(replace(one.details, skus=[stays]), by="me", now=NOW).stock] == [stays.sku]


@given(st.permutations([(place, version) for place in ("default", "loft") for version in (1, 2, 3)]))
def test_news_of_several_locations_add_up_in_whatever_order_they_come(told: list[tuple[str, int]]) -> None:
    own = sku()
    one = product(skus=[own])
    for place, version in [*told, *told]:
        one = one.merged(None, [Stock(sku=own.sku, location=place, version=version, available=version)])
    assert one.available(own.sku) == 6


@given(st.permutations(range(6)))
def test_late_and_repeated_news_end_in_the_same_product(order: list[int]) -> None:
    tea, own = category(), sku()
    one = replace(product(skus=[own], within=tea), category=None)
    names = [replace(tea, version=number, name=f"Tea {number}") for number in (1, 2, 3)]
    levels = [Stock(sku=own.sku, version=number, available=number) for number in (1, 2, 3)]
    news: list[Callable[[Product], Product]] = [
        *(lambda seen, name=name: seen.merged(name, []) for name in names),
        *(lambda seen, level=level: seen.merged(None, [level]) for level in levels),
    ]
    for number in [*order, *order]:
        one = news[number](one)
    assert (one.category, one.stock) == (names[2], [levels[2]])


def test_news_raise_rev_and_leave_version() -> None:
    own = sku()
    one = product(skus=[own])
    merged = one.merged(None, [Stock(sku=own.sku, version=1, available=1)])
    assert (merged.version, merged.rev) == (one.version, one.rev + 1)
    assert merged.merged(None, merged.stock) is merged


def test_news_of_another_category_or_sku_change_nothing() -> None:
    one = product(within=category())
    assert one.merged(category(), [Stock(sku="another", version=9, available=9)]) is one


def test_a_published_product_stands_on_every_shelf_above_it() -> None:
    drinks = category("Drinks")
    tea = category("Tea", *drinks.path)
    assert product(within=tea).shelves == [ALL, drinks.id, tea.id]
    assert product(within=tea, state=State.DRAFT).shelves == []
    assert product(within=replace(tea, removed=True)).shelves == [ALL]


@pytest.mark.parametrize(
    ("skus", "pointer"),
    [
        ([sku(code="a"), sku(code="a")], "/skus/1/sku"),
        ([Sku(sku="a", prices={"moon": Money(1, "USD")})], "/skus/0/prices/moon"),
        ([Sku(sku="a", prices={"default": Money(1, "EUR")})], "/skus/0/prices/default/currency"),
        ([sku(-1)], "/skus/0/prices/default/amount"),
        ([Sku(sku="a", attributes={"size": ["s", "\0"]})], "/skus"),
    ],
)
def test_a_fault_in_skus_is_pointed_at(skus: list[Sku], pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        Details(slug="a", title="A", skus=skus).checked()
    assert [fault.pointer for fault in caught.value.faults] == [pointer]


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [(Kind.TEXT, "a", 1), (Kind.NUMBER, 1.5, True), (Kind.BOOLEAN, False, "no"), (Kind.CHOICE, ["s", "l"], "xl")],
)
def test_attributes_are_checked_against_their_type(kind: Kind, right: Any, wrong: Any) -> None:
    size = Attribute(name="size", type=kind, choices=["s", "l"])
    shirt = ProductType(id="1", version=1, code="shirt", name="Shirt", attributes=[size])
    details = Details(slug="a", title="A", attributes={"size": right, "free": 1}, skus=[sku(code="x")])
    shirt.check(details)
    worn = replace(details.skus[0], attributes={"size": wrong})
    with pytest.raises(Invalid) as caught:
        shirt.check(replace(details, skus=[worn]))
    assert [fault.pointer for fault in caught.value.faults] == ["/skus/0/attributes/size"]


def test_a_required_attribute_is_the_products_or_every_skus() -> None:
    shirt = ProductType(
        id="1", version=1, code="shirt", name="Shirt", attributes=[Attribute(name="size", required=True)]
    )
    sized, bare = Sku(sku="a", attributes={"size": "s"}), Sku(sku="b")
    shirt.check(Details(slug="a", title="A", skus=[sized]))
    shirt.check(Details(slug="a", title="A", attributes={"size": "s"}, skus=[bare]))
    with pytest.raises(Invalid):
        shirt.check(Details(slug="a", title="A", skus=[sized, bare]))


@pytest.mark.parametrize(
    ("title", "slug"), [("Crème Brûlée 2%", "creme-brulee-2"), ("茶", "product"), ("--", "product")]
)
def test_a_title_suggests_a_slug(title: str, slug: str) -> None:
    assert slug_of(title) == slug


def test_a_moment_is_what_mongodb_keeps() -> None:
    assert moment(datetime(2026, 1, 1, microsecond=1999, tzinfo=UTC)).microsecond == 1000
