"""What is brought in from elsewhere, and what sells, with keepers in memory."""

from datetime import timedelta
from typing import Any

from contract.product.goods import category, product, sku
from contract.product.memory import Down, MemoryCounters, MemoryPurchases
from msgspec.structs import replace

from chalicelib.product import imports, merging
from chalicelib.product.model import Crumb
from chalicelib.product.receipts import Receipt, Sale
from souk.clock import utcnow
from souk.ids import new_id

from .conftest import Desk


def unheard(done: int, total: int) -> None:
    """Hear of no progress."""


def imported(key: str = "1", **fields: Any) -> imports.ImportedProduct:
    path = [Crumb("drinks", "Drinks", "drinks"), Crumb("tea", "Tea", "tea")]
    return imports.ImportedProduct(key=key, title="Tea", path=path, skus=[sku()], **fields)


def test_a_repeated_import_changes_nothing(desk: Desk) -> None:
    batch = [imported("1"), imported("2", published=False)]
    assert [desk.bring_in(*batch), desk.bring_in(*batch)] == [2, 0]


def test_imported_products_are_in_the_index_at_once(desk: Desk) -> None:
    desk.bring_in(imported())
    known = imports.product_id("1")
    assert desk.index.show(known) is not None
    assert desk.store.unsent(known) == ["product.published"]


def test_imported_products_reach_an_index_that_was_down(desk: Desk) -> None:
    desk.bring_in(imported(), index=Down())
    assert "product.changed" in desk.store.unsent(imports.product_id("1"))


def test_the_catalogs_word_overrules_an_imported_path(desk: Desk) -> None:
    desk.bring_in(imported())
    tea = replace(category(), id="tea")
    merging.merge_category(tea, store=desk.store, sources=desk.sources, now=utcnow())
    assert desk.store.get(imports.product_id("1")).category == tea


def test_an_imported_purchase_and_its_event_count_once(desk: Desk) -> None:
    one = desk.create(skus=[sku()])
    receipt = Receipt(order_id="o", sales=[Sale(sku=one.details.skus[0].sku, product_id=one.id, quantity=2)])
    counters, purchases = MemoryCounters(desk.store), MemoryPurchases()
    imports.import_purchases([receipt], past=counters, purchases=purchases)
    counters.count([receipt], utcnow())
    counters.add_up(unheard)
    assert desk.store.get(one.id).sold == 2


def test_the_index_is_told_of_sales_as_they_double(desk: Desk) -> None:
    one = desk.create(skus=[sku()])
    counters = MemoryCounters(desk.store)
    told = []
    for _ in range(8):
        desk.store.outboxes[one.id].clear()
        sale = Sale(sku=one.details.skus[0].sku, product_id=one.id, quantity=1)
        receipt = Receipt(order_id=new_id(), sales=[sale])
        counters.count([receipt], utcnow())
        told.append(len(desk.store.unsent(one.id)))
    assert told == [1, 1, 0, 1, 0, 0, 0, 1]


def test_imported_sales_are_shown_to_the_index(desk: Desk) -> None:
    desk.bring_in(imported("1"), imported("2"))
    past = MemoryCounters(desk.store)
    past.note([Receipt(order_id="o", sales=[Sale(sku="1", product_id=imports.product_id("1"), quantity=3)])])
    assert imports.show_sales(past=past, store=desk.store, index=desk.index, say=unheard) == 1
    assert desk.index.kept[imports.product_id("1")].sold == 3


def test_an_index_never_goes_back(desk: Desk) -> None:
    one = product()
    desk.index.write([replace(one, rev=3)])
    desk.index.write([replace(one, rev=2, changed_at=one.changed_at - timedelta(days=1))])
    assert desk.index.kept[one.id].rev == 3
