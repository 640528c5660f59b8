"""What staff do with products, and what others tell of them, with keepers in memory."""

from collections.abc import Sequence
from typing import Any

import pytest
from contract.product.goods import category, product, sku
from contract.product.memory import MemoryProducts
from msgspec.structs import replace

from chalicelib.product import merging, products
from chalicelib.product.changes import Change, Overtaken, change
from chalicelib.product.model import Stock
from chalicelib.product.product_types import Attribute, ProductType
from souk.clock import utcnow
from souk.errors import Invalid, Stale
from souk.idempotency import Attempt
from souk.ids import new_id

from .conftest import Desk


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
