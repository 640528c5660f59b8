"""What staff and shoppers do with products, with keepers in memory."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from contract.product.goods import category, product, sku
from contract.product.memory import Down, MemoryCounters, MemoryProducts, MemoryPurchases, MemoryShop, MemorySources
from msgspec.structs import replace

from chalicelib.product import imports, listing, merging, products, publication, recommendation, sales
from chalicelib.product.changes import Change, Overtaken, change
from chalicelib.product.model import Crumb, Product, State, Stock
from chalicelib.product.product_types import Attribute, ProductType
from chalicelib.product.products import Edit, NewProduct
from chalicelib.product.receipts import Receipt, Sale
from chalicelib.product.recommendation import Basket, recommended
from chalicelib.product.storefront import Wanted
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.clock import utcnow
from souk.errors import Invalid, Missing, Stale, Unavailable
from souk.idempotency import Attempt
from souk.ids import new_id

BY = Origin(Caller(kind=Kind.STAFF, subject="me"))


class Desk:
    """A product desk with everything in memory."""

    def __init__(self) -> None:
        self.store, self.sources, self.index = MemoryProducts(), MemorySources(), MemoryShop()

    def create(self, title: str = "Tea", attempt: Attempt | None = None, **fields: Any) -> Product:
        new = NewProduct(title=title, **fields)
        return products.create(new, by=BY, attempt=attempt, now=utcnow(), store=self.store, sources=self.sources)

    def edit(self, one: Product, **fields: Any) -> Product:
        return products.edit(
            one.id, Edit(**fields), seen=one.version, by=BY, now=utcnow(), store=self.store, sources=self.sources
        )

    def publish(self, one: Product) -> Product:
        return publication.publish(one.id, seen=one.version, by=BY, now=utcnow(), store=self.store)

    def bring_in(self, *batch: imports.ImportedProduct, index: Any = None) -> int:
        index = index or self.index
        return imports.import_products(batch, now=utcnow(), store=self.store, sources=self.sources, index=index)


def unheard(done: int, total: int) -> None:
    """Hear of no progress."""


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_the_same_attempt_makes_one_product(desk: Desk) -> None:
    attempt = Attempt(scope=new_id(), fingerprint="a")
    assert desk.create(attempt=attempt) == desk.create(attempt=attempt)


def test_the_same_attempt_for_something_else_is_refused(desk: Desk) -> None:
    scope = new_id()
    desk.create(attempt=Attempt(scope=scope, fingerprint="a"))
    with pytest.raises(Invalid):
        desk.create(attempt=Attempt(scope=scope, fingerprint="b"))


@pytest.mark.parametrize("reference", ["product_type", "category_id"])
def test_what_the_catalog_does_not_know_is_refused(desk: Desk, reference: str) -> None:
    wish: dict[str, Any] = {reference: "unheard-of"}
    with pytest.raises(Invalid) as caught:
        desk.create(**wish)
    assert caught.value.faults[0].pointer == f"/{reference}"


def test_attributes_are_checked_when_they_are_edited(desk: Desk) -> None:
    kind = ProductType(
        id=new_id(), version=1, code="tea", name="Tea", attributes=[Attribute(name="leaf", required=True)]
    )
    desk.sources.keep_product_type(kind)
    one = desk.create(product_type="tea", attributes={"leaf": "whole"})
    with pytest.raises(Invalid):
        desk.edit(one, attributes={"leaf": None})


def test_a_new_product_knows_its_category_and_stock(desk: Desk) -> None:
    tea, own = category(), sku()
    desk.sources.keep_category(tea)
    desk.sources.keep_stock([Stock(sku=own.sku, version=4, available=2)])
    one = desk.create(category_id=tea.id, skus=[own])
    assert (one.category, one.available(own.sku)) == (tea, 2)


def test_an_edit_of_an_old_version_is_stale(desk: Desk) -> None:
    one = desk.create()
    desk.edit(one, title="New")
    with pytest.raises(Stale):
        desk.edit(one, title="Other")


def test_an_edit_leaves_what_it_does_not_name(desk: Desk) -> None:
    one = desk.create(brand="Acme", attributes={"leaf": "whole", "origin": "Assam"})
    after = desk.edit(one, title="New", attributes={"leaf": None, "year": 2020})
    assert (after.details.brand, after.details.attributes) == ("Acme", {"origin": "Assam", "year": 2020})


def test_staff_are_not_disturbed_by_the_stock(desk: Desk) -> None:
    own = sku()
    one = desk.create(skus=[own])
    merging.merge_stock(
        [Stock(sku=own.sku, version=1, available=1)], store=desk.store, sources=desk.sources, now=utcnow()
    )
    assert desk.edit(one, title="New").available(own.sku) == 1


def test_who_was_overtaken_tries_again(desk: Desk) -> None:
    class Busy(MemoryProducts):
        times = 2

        def save(self, change: Change) -> None:
            if self.times:
                self.times -= 1
                raise Overtaken("busy")
            super().save(change)

    store = Busy()
    one = store.add(product(), [])
    assert change(one.id, lambda seen: replace(seen, rev=seen.rev + 1), store=store, now=utcnow()).rev == 2


def test_publishing_tells_others_and_the_auditor(desk: Desk) -> None:
    one = desk.publish(desk.create(skus=[sku()]))
    assert desk.store.unsent(one.id)[-3:] == ["product.published", "product.changed", "admin.audited"]


def test_a_drafts_edit_is_nobody_elses_business(desk: Desk) -> None:
    one = desk.edit(desk.create(), title="New")
    assert "product.published" not in desk.store.unsent(one.id)


def test_the_index_is_told_when_a_sku_sells_out_and_not_at_every_sale(desk: Desk) -> None:
    own = sku()
    one = desk.create(skus=[own])

    def told(available: int, version: int) -> bool:
        desk.store.outboxes[one.id].clear()
        level = Stock(sku=own.sku, version=version, available=available)
        merging.merge_stock([level], store=desk.store, sources=desk.sources, now=utcnow())
        return desk.store.unsent(one.id) == ["product.changed"]

    assert [told(5, 1), told(4, 2), told(0, 3), told(0, 2)] == [True, False, True, False]


def test_what_shoppers_see_no_difference_of_is_not_written(desk: Desk) -> None:
    own = sku()
    one = desk.create(skus=[own])

    def kept(*levels: Stock) -> int:
        merging.merge_stock(levels, store=desk.store, sources=desk.sources, now=utcnow())
        return desk.store.get(one.id).rev

    first = kept(Stock(sku=own.sku, version=1, available=5))
    assert kept(Stock(sku=own.sku, version=3, available=4), Stock(sku=own.sku, version=2, available=0)) == first
    assert merging.merged([desk.store.get(one.id)], desk.sources)[0].available(own.sku) == 4
    assert kept(Stock(sku=own.sku, version=4, available=0)) == first + 1


def test_who_writes_sees_what_another_found_no_need_to_write(desk: Desk) -> None:
    own = sku()
    one = desk.create(skus=[own])
    merging.merge_stock(
        [Stock(sku=own.sku, version=1, available=5)], store=desk.store, sources=desk.sources, now=utcnow()
    )

    class Slow(MemoryProducts):
        def save_all(self, changes: Sequence[Change]) -> int:
            if (
                changes[0].after.available(own.sku) == 0
            ):  # somebody keeps a newer level, and leaves what he sees as it is
                level = Stock(sku=own.sku, version=3, available=5)
                merging.merge_stock([level], store=desk.store, sources=desk.sources, now=utcnow())
            return super().save_all(changes)

    slow = Slow()
    slow.kept, slow.outboxes = desk.store.kept, desk.store.outboxes
    merging.merge_stock([Stock(sku=own.sku, version=2, available=0)], store=slow, sources=desk.sources, now=utcnow())
    assert desk.store.get(one.id).available(own.sku) == 5


def test_a_renamed_category_reaches_all_its_products(desk: Desk) -> None:
    tea = category()
    desk.sources.keep_category(tea)
    made = [desk.create(f"Tea {number}", category_id=tea.id) for number in range(3)]
    new = replace(tea, version=2, name="Teas")
    merging.merge_category(new, store=desk.store, sources=desk.sources, now=utcnow())
    assert all(desk.store.get(one.id).category == new for one in made)


def test_the_history_has_every_version_newest_first(desk: Desk) -> None:
    one = desk.edit(desk.edit(desk.create(), title="Two"), title="Three")
    first = products.history(one.id, below=None, limit=2, store=desk.store)
    second = products.history(one.id, below=2, limit=2, store=desk.store)
    assert [was.details.title for was in [*first.items, *second.items]] == ["Three", "Two", "Tea"]
    assert (first.next is None, second.next) == (False, None)


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
    counters.count([receipt])
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
        sales.count_sales([receipt], counters=counters, store=desk.store, now=utcnow())
        told.append(len(desk.store.unsent(one.id)))
    assert told == [1, 1, 0, 1, 0, 0, 0, 1]


def test_imported_sales_are_shown_to_the_index(desk: Desk) -> None:
    desk.bring_in(imported("1"), imported("2"))
    past = MemoryCounters(desk.store)
    past.note([Receipt(order_id="o", sales=[Sale(sku="1", product_id=imports.product_id("1"), quantity=3)])])
    assert imports.show_sales(past=past, store=desk.store, index=desk.index, say=unheard) == 1
    assert desk.index.kept[imports.product_id("1")].sold == 3


class Counter:
    """A shop of tea, milk and salt in one category, and a pot elsewhere."""

    def __init__(self) -> None:
        food = category("Food")
        self.tea, self.milk, self.salt = (replace(product(name, within=food), sold=sold) for name, sold in SOLD.items())
        self.pot = replace(product("Pot"), sold=100)
        self.shop, self.purchases = MemoryShop(), MemoryPurchases()
        self.shop.write([self.tea, self.milk, self.salt, self.pot])

    def recommended(self, purchases: Any = None) -> recommendation.Recommended:
        return recommended(self.tea.id, 2, purchases=purchases or self.purchases, shop=self.shop)


SOLD = {"tea": 1, "milk": 5, "salt": 9}


def test_what_was_bought_together_comes_before_best_sellers() -> None:
    counter = Counter()
    counter.purchases.count([Basket.of("o", [counter.tea.id, counter.milk.id])])
    found = counter.recommended()
    assert (found.products, found.together, found.degraded) == ([counter.milk, counter.salt], 1, False)


def test_best_sellers_of_the_category_stand_in_for_a_graph_that_is_down() -> None:
    counter = Counter()
    found = counter.recommended(Down())
    assert (found.products, found.degraded) == ([counter.salt, counter.milk], True)


def test_what_is_off_sale_is_not_recommended() -> None:
    counter = Counter()
    counter.purchases.count([Basket.of("o", [counter.tea.id, counter.milk.id])])
    counter.shop.write([replace(counter.milk, rev=2, state=State.DRAFT)])
    assert counter.milk.id not in {one.id for one in counter.recommended().products}


def test_nothing_is_recommended_for_what_is_not_on_sale() -> None:
    with pytest.raises(Missing):
        recommended(new_id(), 2, purchases=MemoryPurchases(), shop=MemoryShop())


def test_a_very_large_basket_is_counted_in_part() -> None:
    assert len(Basket.of("o", [new_id() for _ in range(99)]).products) == recommendation.MOST_PAIRED


def test_the_second_store_answers_in_the_firsts_stead() -> None:
    one, shop = product(minutes=1), MemoryShop()
    shop.write([one])
    assert listing.shown(one.id, documents=Down(), index=shop) == (one, True)
    assert listing.shown(one.id, documents=shop, index=Down()) == (one, False)
    assert listing.listed(Wanted(), index=Down(), documents=shop)[1] is True


def test_nobody_left_to_answer_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        listing.listed(Wanted(), index=Down(), documents=Down())


def test_an_index_never_goes_back(desk: Desk) -> None:
    one = product()
    desk.index.write([replace(one, rev=3)])
    desk.index.write([replace(one, rev=2, changed_at=one.changed_at - timedelta(days=1))])
    assert desk.index.kept[one.id].rev == 3
