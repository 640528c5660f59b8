"""What every keeper of replicas, counters and purchases promises."""

from typing import Any

import pytest
from contract.product.goods import category, product
from contract.product.looking import SeenProducts
from contract.product.memory import MemoryCounters, MemoryProducts, MemoryPurchases, MemorySources
from msgspec.structs import replace

from chalicelib.product import live
from chalicelib.product.model import Stock
from chalicelib.product.product_types import ProductType
from chalicelib.product.receipts import Receipt, Sale
from chalicelib.product.recommendation import Basket
from souk.clock import utcnow
from souk.ids import new_id

pytestmark = pytest.mark.stores


@pytest.fixture(params=["memory", "mongo"])
def sources(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemorySources()
    request.getfixturevalue("stores")
    return live.sources


@pytest.fixture(params=["memory", "mongo"])
def books(request: pytest.FixtureRequest) -> Any:
    """Return counters and the products whose sales they count."""
    if request.param == "memory":
        products = MemoryProducts()
        return MemoryCounters(products), products
    request.getfixturevalue("stores")
    return live.counters, SeenProducts(live.documents)


@pytest.fixture(params=["memory", "neo4j"])
def purchases(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryPurchases()
    request.getfixturevalue("stores")
    return live.purchases


def test_an_older_version_does_not_replace_a_newer_one(sources: Any) -> None:
    tea = category(version=2)
    sources.keep_category(tea)
    sources.keep_category(replace(tea, version=1, name="Old"))
    assert sources.categories([tea.id, new_id()]) == [tea]


def test_a_newer_version_replaces_an_older_one(sources: Any) -> None:
    code = new_id()
    sources.keep_stock([Stock(sku=code, version=1, available=3)])
    sources.keep_stock(
        [Stock(sku=code, version=2, available=0), Stock(sku=code, location="loft", version=1, available=7)]
    )
    sources.keep_stock([Stock(sku=code, version=1, available=9), Stock(sku=new_id(), version=1, available=9)])
    assert sorted(sources.stock([code]), key=lambda level: level.location) == [
        Stock(sku=code, version=2, available=0),
        Stock(sku=code, location="loft", version=1, available=7),
    ]


def test_a_removed_type_leaves_its_code_to_another(sources: Any) -> None:
    code = new_id()
    sources.keep_product_type(ProductType(id=new_id(), version=5, code=code, name="Old", removed=True))
    new = ProductType(id=new_id(), version=1, code=code, name="New")
    sources.keep_product_type(new)
    assert sources.product_type(code) == new
    assert sources.product_type(new_id()) is None


def test_an_order_is_counted_once_however_often_it_is_told(books: Any) -> None:
    counters, products = books
    one = product()
    products.add(one, [])
    code = one.details.skus[0].sku
    receipt = Receipt(order_id=new_id(), sales=[Sale(sku=code, product_id=one.id, quantity=3)])
    counters.count([receipt], utcnow())
    counters.count([receipt, Receipt(order_id=new_id(), sales=receipt.sales)], utcnow())
    assert counters.sold([one.id, new_id()]) == {one.id: 6}
    assert products.get(one.id).sold == 6


def test_a_product_shows_its_sales_as_they_double(books: Any) -> None:
    counters, products = books
    one = product()
    products.add(one, [])
    sale = Sale(sku=one.details.skus[0].sku, product_id=one.id, quantity=1)
    assert products.unsent(one.id) == []
    shown = []
    for _ in range(5):
        counters.count([Receipt(order_id=new_id(), sales=[sale])], utcnow())
        shown.append(products.get(one.id).sold)
    assert shown == [1, 2, 2, 4, 4]
    assert products.unsent(one.id) == ["product.changed"]
    assert counters.sold([one.id]) == {one.id: 5}


def test_past_sales_are_added_up_once(books: Any) -> None:
    counters, products = books
    one, said = product(), list[tuple[int, int]]()
    products.add(one, [])
    sale = Sale(sku=one.details.skus[0].sku, product_id=one.id, quantity=5)
    past = Receipt(order_id=new_id(), sales=[sale])
    counters.note([past])
    counters.note([past])
    assert (counters.sold([one.id]), products.get(one.id).sold) == ({one.id: 5}, 0)
    assert counters.add_up(lambda done, total: said.append((done, total))) >= 1
    assert (products.get(one.id).sold, said[-1][0]) == (5, said[-1][1])
    assert counters.add_up(lambda done, total: said.append((done, total))) == 0


def test_counting_a_sale_overtakes_nobody(books: Any) -> None:
    counters, products = books
    one = product()
    products.add(one, [])
    sale = Sale(sku=one.details.skus[0].sku, product_id=one.id, quantity=1)
    counters.count([Receipt(order_id=new_id(), sales=[sale])], utcnow())
    assert products.get(one.id) == replace(one, sold=1)


def test_what_is_bought_together_most_comes_first(purchases: Any) -> None:
    tea, milk, salt = sorted(new_id() for _ in range(3))
    orders = [[tea, milk], [tea, milk], [tea, salt], [salt], [salt]]
    purchases.count([Basket.of(new_id(), one) for one in orders])
    assert purchases.together(tea, 5) == [milk, salt]
    assert purchases.together(milk, 5) == [tea]
    assert purchases.together(new_id(), 5) == []


def test_a_basket_is_counted_once_however_often_it_is_told(purchases: Any) -> None:
    tea, milk, salt = (new_id() for _ in range(3))
    basket = Basket.of(new_id(), [tea, milk])
    for _ in range(3):
        purchases.count([basket])
    purchases.count([Basket.of(new_id(), [tea, salt]), Basket.of(new_id(), [tea, salt])])
    assert purchases.together(tea, 1) == [salt]
