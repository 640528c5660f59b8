"""What every storefront promises: in memory, in MongoDB and in the search engine."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from contract.product.goods import category, product
from contract.product.memory import MemoryShop
from msgspec.structs import replace

from chalicelib.product import live
from chalicelib.product.browsing import MongoStorefront
from chalicelib.product.model import Category, Product, State
from chalicelib.product.storefront import Sort, Storefront, Wanted
from souk.ids import new_id

pytestmark = pytest.mark.stores
Fill = Callable[..., None]


def in_memory() -> tuple[Storefront, Fill]:
    shop = MemoryShop()
    return shop, lambda *products: shop.write(products)


def mongo() -> tuple[Storefront, Fill]:
    return live.shelves, lambda *products: [live.products.add(one, []) for one in products]  # type: ignore[return-value]


def engine() -> tuple[Storefront, Fill]:
    def fill(*products: Product) -> None:
        live.index.write(products)
        with live.search.client() as client:
            client.indices.refresh(index="products")

    return live.index, fill


@pytest.fixture(params=[in_memory, mongo, engine], ids=lambda keeper: keeper.__name__)
def shop(request: pytest.FixtureRequest) -> Any:
    if request.param is not in_memory:
        request.getfixturevalue("stores")
    return request.param()


def ids(found: Any) -> list[str]:
    return [row.product.id for row in found.rows]


def titles(found: Any) -> list[str]:
    return [row.product.details.title for row in found.rows]


def shelf(shop: Any, *products: Product) -> Storefront:
    front, fill = shop
    fill(*products)
    found: Storefront = front
    return found


def three(tea: Category) -> Sequence[Product]:
    return (
        product("Mint tea", price=300, brand="Acme", within=tea, minutes=3),
        product("black tea", price=100, brand="Best", within=tea, minutes=2),
        product("Çay", price=200, brand="Acme", within=tea, minutes=1),
    )


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (Sort.NEWEST, ["Çay", "black tea", "Mint tea"]),
        (Sort.PRICE, ["black tea", "Çay", "Mint tea"]),
        (Sort.PRICE_DOWN, ["Mint tea", "Çay", "black tea"]),
        (Sort.TITLE, ["black tea", "Çay", "Mint tea"]),
    ],
)
def test_products_stand_in_the_order_asked_for(shop: Any, sort: Sort, order: list[str]) -> None:
    tea = category()
    front = shelf(shop, *three(tea))
    assert titles(front.find(Wanted(category=tea.id, sort=sort))) == order


@pytest.mark.parametrize("sort", [Sort.NEWEST, Sort.PRICE, Sort.PRICE_DOWN, Sort.TITLE, Sort.BESTSELLING])
def test_pages_neither_skip_nor_repeat(shop: Any, sort: Sort) -> None:
    tea = category()
    front = shelf(shop, *three(tea), product("black tea", price=100, within=tea, minutes=2))
    seen: list[str] = []
    after = None
    for _ in range(4):
        rows = front.find(Wanted(category=tea.id, sort=sort, limit=1, after=after)).rows
        seen.append(rows[0].product.id)
        after = rows[0].key
    assert len(set(seen)) == 4


def test_one_more_than_wanted_tells_of_another_page(shop: Any) -> None:
    tea = category()
    front = shelf(shop, *three(tea))
    assert len(front.find(Wanted(category=tea.id, limit=2)).rows) == 3


def remove(front: Storefront, *products: Product) -> None:
    for one in products:
        if isinstance(front, MongoStorefront):
            with live.documents.documents() as documents:
                documents.products.delete_one({"_id": one.id})
        else:
            with live.search.client() as client:
                client.delete(index="products", id=one.id)


def damage(front: Storefront, one: Product) -> None:
    if isinstance(front, MongoStorefront):
        with live.documents.documents() as documents:
            documents.products.update_one({"_id": one.id}, {"$set": {"details.skus": "none"}})
    else:
        with live.search.client() as client:
            client.update(index="products", id=one.id, doc={"product": "{"}, refresh=True)


@pytest.mark.parametrize("shop", [mongo, engine], ids=["mongo", "engine"], indirect=True)
def test_a_product_that_cannot_be_read_keeps_no_other_from_being_shown(shop: Any) -> None:
    tea = category()
    products = (*three(tea), product("Green tea", within=tea, minutes=0))
    front = shelf(shop, *products)
    damage(front, products[1])
    damage(front, products[3])
    wanted = Wanted(category=tea.id, limit=1, facets=True)
    first = front.find(wanted)
    assert titles(first) == ["Çay", "Mint tea"]
    assert titles(front.find(replace(wanted, after=first.rows[0].key))) == ["Mint tea"]
    assert titles(front.find(replace(wanted, brands=("Acme",)))) == ["Çay", "Mint tea"]
    if isinstance(front, MongoStorefront):
        assert [one.id for one in front.show_all([products[1].id, products[0].id])] == [products[0].id]
    remove(front, products[1], products[3])


def test_a_category_shows_what_is_below_it(shop: Any) -> None:
    drinks = category("Drinks")
    tea = category("Tea", *drinks.path)
    front = shelf(shop, *three(tea))
    assert len(front.find(Wanted(category=drinks.id)).rows) == 3


@pytest.mark.parametrize("state", [State.DRAFT, State.TRASHED])
def test_what_is_not_published_is_not_found(shop: Any, state: State) -> None:
    tea = category()
    hidden = product(within=tea, state=state)
    front = shelf(shop, hidden)
    assert ids(front.find(Wanted(category=tea.id))) == []
    assert front.show(hidden.id) is None


def test_products_are_narrowed_by_price_and_brand(shop: Any) -> None:
    tea = category()
    front = shelf(shop, *three(tea))
    found = front.find(Wanted(category=tea.id, lowest=200, highest=300, brands=("Acme",), sort=Sort.PRICE))
    assert titles(found) == ["Çay", "Mint tea"]
    assert titles(front.find(Wanted(category=tea.id, brands=("Best", "None")))) == ["black tea"]


def test_words_are_found_without_case_accents_or_plural(shop: Any) -> None:
    tea = category()
    front = shelf(shop, *three(tea))
    assert titles(front.find(Wanted(category=tea.id, text="CAYS", sort=Sort.RELEVANCE))) == ["Çay"]
    assert titles(front.find(Wanted(category=tea.id, text="mint", sort=Sort.NEWEST))) == ["Mint tea"]


def test_a_product_is_shown_by_its_id_and_its_slug(shop: Any) -> None:
    slug = f"tea-{new_id()}"
    one = product()
    one = replace(one, details=replace(one.details, slug=slug))
    front = shelf(shop, one)
    assert front.show(one.id) == one
    assert front.show(slug) == one
    assert front.show(f"no-{slug}") is None


def test_titles_are_suggested_by_how_their_words_begin(shop: Any) -> None:
    unique = f"q{new_id()[-10:]}"
    front = shelf(shop, product(f"Spiced {unique}x tea"), product(f"{unique}x draft", state=State.DRAFT))
    assert [one.title for one in front.suggest(f"spiced {unique}", 5)] == [f"Spiced {unique}x tea"]
    assert front.suggest(f"plain {unique}", 5) == []


def test_a_title_is_suggested_once(shop: Any) -> None:
    unique = f"q{new_id()[-10:]}"
    front = shelf(shop, product(f"{unique} tea"), product(f"{unique} tea"), product(f"{unique} pot"))
    assert sorted(one.title for one in front.suggest(unique, 2)) == [f"{unique} pot", f"{unique} tea"]


def test_signs_without_a_word_suggest_and_find_nothing(shop: Any) -> None:
    tea = category()
    front = shelf(shop, product("Mint tea", within=tea))
    assert front.suggest("?!", 5) == []
    assert titles(front.find(Wanted(category=tea.id, text="?!"))) == []
