"""What holds when many write at once; on the real stores alone, as memory has no rivals."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from contract.product.goods import category, product
from msgspec.structs import replace

from chalicelib.product import live, merging
from chalicelib.product.changes import change
from chalicelib.product.model import Product, Stock
from chalicelib.product.receipts import Receipt, Sale
from chalicelib.product.recommendation import Basket
from souk.clock import utcnow
from souk.errors import Unavailable
from souk.ids import new_id

pytestmark = [pytest.mark.stores, pytest.mark.usefixtures("stores")]
AT_ONCE = 6


def until_done(work: Callable[[], object]) -> None:
    """Try again as a queue would."""
    for _ in range(50):
        try:
            work()
        except Unavailable:
            continue
        return
    raise AssertionError("never done")


def together(*works: Callable[[], object]) -> None:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for done in [pool.submit(until_done, work) for work in works]:
            done.result()


def on_sale() -> Product:
    return live.products.add(product(), [])


def test_no_change_is_lost_among_many() -> None:
    one = on_sale()

    def add(number: int) -> Product:
        def step(seen: Product) -> Product:
            attributes = {**seen.details.attributes, f"a{number}": number}
            return replace(seen, rev=seen.rev + 1, details=replace(seen.details, attributes=attributes))

        return change(one.id, step, store=live.products, now=utcnow())

    together(*(lambda number=number: add(number) for number in range(12)))
    assert len(live.products.get(one.id).details.attributes) == 12


def test_the_newest_stock_wins_whoever_comes_last() -> None:
    one = on_sale()
    code = one.details.skus[0].sku

    def take(version: int) -> None:
        level = Stock(sku=code, version=version, available=version % 2)
        merging.merge_stock([level], store=live.products, sources=live.sources, now=utcnow())

    together(*(lambda version=version: take(version) for version in (3, 1, 5, 2, 4, 5, 1, 6, 7, 4)))
    assert live.products.get(one.id).available(code) == 1
    assert live.sources.stock([code])[0].version == 7


def test_sales_and_changes_do_not_undo_each_other() -> None:
    one = on_sale()
    sale = Sale(sku=one.details.skus[0].sku, product_id=one.id, quantity=1)

    def step(seen: Product) -> Product:
        return replace(seen, rev=seen.rev + 1)

    def sell() -> None:
        receipt = Receipt(order_id=new_id(), sales=[sale])
        until_done(lambda: live.counters.count([receipt], utcnow()))

    together(*[sell, lambda: change(one.id, step, store=live.products, now=utcnow())] * 6)
    after = live.products.get(one.id)
    assert (live.counters.sold([one.id]), after.sold, after.rev) == ({one.id: 6}, 4, 7)


def test_a_product_made_while_its_category_is_renamed_knows_the_new_name() -> None:
    tea = category()
    live.sources.keep_category(tea)
    made = [product(within=replace(tea, version=0)) for _ in range(6)]

    def add(one: Product) -> None:
        live.products.add(one, [])
        merging.refreshed(one.id, store=live.products, sources=live.sources, now=utcnow())

    def rename() -> None:
        teas = replace(tea, version=2, name="Teas")
        merging.merge_category(teas, store=live.products, sources=live.sources, now=utcnow())

    works: list[Callable[[], object]] = [lambda one=one: add(one) for one in made]  # type: ignore[misc]
    together(*works[:3], rename, *works[3:])
    names = [found.category.name for one in made if (found := live.products.get(one.id)).category]
    assert names == ["Teas"] * 6


def test_baskets_counted_at_once_are_counted_once_each() -> None:
    tea, milk = sorted([new_id(), new_id()])
    baskets = [Basket.of(new_id(), [tea, milk]) for _ in range(5)]
    together(*(lambda one=one: live.purchases.count([one]) for one in [*baskets, *baskets]))
    counted = live.graph.read("MATCH (:Product {id: $id})-[pair:BOUGHT_WITH]-() RETURN pair.times AS times", id=tea)
    assert counted == [{"times": 5}]
