"""What every keeper of products promises: in memory and in MongoDB."""

from datetime import timedelta
from typing import Any

import pytest
from contract.product.goods import category, product, sku
from contract.product.looking import SeenProducts
from contract.product.memory import MemoryProducts
from msgspec.structs import replace

from chalicelib.product import events, live
from chalicelib.product.changes import Change, Overtaken
from chalicelib.product.model import Product, State
from chalicelib.product.products import Made, Wish
from chalicelib.product.store import MongoProducts
from souk.audit import Audited
from souk.clock import utcnow
from souk.errors import Missing, Refused
from souk.events import Event
from souk.ids import new_id

pytestmark = pytest.mark.stores


@pytest.fixture(params=["memory", "mongo"])
def store(request: pytest.FixtureRequest) -> Any:
    if request.param == "memory":
        return MemoryProducts()
    request.getfixturevalue("stores")
    return SeenProducts(live.documents)


def audit() -> Event:
    fact = Audited(service="product", actor="me", action="product.edit", subject="it")
    return Event.of(fact, aggregate=new_id(), version=1, now=utcnow())


def changed(before: Product, **fields: Any) -> Change:
    after = replace(before, rev=before.rev + 1, **fields)
    return Change(before=before, after=after, events=events.told(before, after, utcnow()))


def kept(store: Any, **fields: Any) -> Product:
    one = product(**fields)
    store.add(one, events.told(None, one, utcnow()))
    return one


def test_a_product_is_read_as_it_was_written(store: Any) -> None:
    one = kept(store, within=category())
    assert store.get(one.id) == one


def test_what_is_not_there_is_missing(store: Any) -> None:
    with pytest.raises(Missing):
        store.get(new_id())


def test_a_second_attempt_finds_what_the_first_made(store: Any) -> None:
    one = kept(store)
    assert store.add(replace(one, changed_by="another"), []) == one


def test_a_slug_belongs_to_one_product(store: Any) -> None:
    one, other = kept(store), product()
    with pytest.raises(Refused):
        store.add(replace(other, details=replace(other.details, slug=one.details.slug)), [])


def test_a_sku_belongs_to_one_product(store: Any) -> None:
    one = kept(store)
    with pytest.raises(Refused):
        store.add(product(skus=[sku(), *one.details.skus]), [])


def test_drafts_without_skus_do_not_collide(store: Any) -> None:
    assert kept(store, state=State.DRAFT, skus=[]).id != kept(store, state=State.DRAFT, skus=[]).id


def test_who_was_overtaken_writes_nothing(store: Any) -> None:
    one = kept(store)
    store.save(changed(one, changed_by="first"))
    with pytest.raises(Overtaken):
        store.save(changed(one, changed_by="second"))
    assert store.get(one.id).changed_by == "first"


def test_a_newer_event_takes_the_place_of_an_unsent_one_of_its_type(store: Any) -> None:
    one = kept(store)
    first = changed(one, version=2)
    store.save(first)
    store.save(changed(first.after, version=3))
    assert store.unsent(one.id) == ["product.published", "product.changed"]


def test_every_audit_entry_is_sent(store: Any) -> None:
    one = kept(store)
    first = changed(one, version=2)
    store.save(Change(before=first.before, after=first.after, events=[audit()]))
    second = changed(first.after, version=3)
    store.save(Change(before=second.before, after=second.after, events=[audit()]))
    assert store.unsent(one.id).count("admin.audited") == 2


def test_versions_that_went_are_kept_newest_first(store: Any) -> None:
    one = kept(store)
    first = changed(one, version=2)
    store.save(first)
    store.save(changed(first.after, version=3))
    assert store.versions(one.id, below=3, limit=5) == [first.after, one]
    assert store.versions(one.id, below=2, limit=5) == [one]


def test_values_that_look_like_operators_stay_values(store: Any) -> None:
    one = kept(store)
    details = replace(one.details, title="$title", attributes={"kind": "$$ROOT"})
    store.save(changed(one, version=2, details=details))
    assert store.get(one.id).details == details


def test_an_attribute_that_was_taken_away_is_gone(store: Any) -> None:
    one = kept(store)
    first = changed(one, version=2, details=replace(one.details, attributes={"color": "red"}))
    store.save(first)
    store.save(changed(first.after, version=3, details=one.details))
    assert store.get(one.id).details.attributes == {}


def test_staff_pick_products_newest_first_page_by_page(store: Any) -> None:
    tea = category()
    made = [kept(store, within=tea, minutes=age) for age in range(3)]
    first = store.pick(Wish(category=tea.id), after=None, limit=2)
    last = Made(int(first[-1].created_at.timestamp() * 1000), first[-1].id)
    second = store.pick(Wish(category=tea.id), after=last, limit=2)
    assert [*first, *second] == made


@pytest.mark.parametrize("wish", [{"state": State.DRAFT}, {"brand": "Rare"}, {"text": "tëas OOLONG"}])
def test_staff_pick_products_by_what_they_are(store: Any, wish: dict[str, Any]) -> None:
    tea = category()
    kept(store, within=tea)
    rare = kept(store, title="Oolong tea", within=tea, brand="Rare", state=State.DRAFT)
    assert store.pick(Wish(category=tea.id, **wish), after=None, limit=5) == [rare]


def test_a_product_is_found_by_any_of_its_skus(store: Any) -> None:
    one, other = kept(store, skus=[sku(), sku()]), kept(store, skus=[sku()])
    assert store.of_skus([one.details.skus[1].sku]) == [one]
    both = store.of_skus([own.sku for own in [*one.details.skus, *other.details.skus]])
    assert sorted(both, key=lambda found: found.id) == sorted([one, other], key=lambda found: found.id)
    assert store.of_skus([new_id()]) == []


def test_all_of_several_products_are_found_or_none(store: Any) -> None:
    one, other = kept(store), kept(store)
    assert {found.id for found in store.get_all([one.id, other.id])} == {one.id, other.id}
    with pytest.raises(Missing):
        store.get_all([one.id, new_id()])


def test_products_that_know_an_older_category_are_found(store: Any) -> None:
    tea = category(version=3)
    old, bare = kept(store, within=tea), kept(store)
    store.save(changed(bare, version=2, details=replace(bare.details, category_id=tea.id)))
    assert {one.id for one in store.in_category(tea.id, older_than=4, limit=5)} == {old.id, bare.id}
    assert {one.id for one in store.in_category(tea.id, older_than=3, limit=5)} == {bare.id}


def test_of_many_changes_those_are_saved_that_nobody_overtook(store: Any) -> None:
    one, other = kept(store), kept(store)
    store.save(changed(one, changed_by="first"))
    assert store.save_all([changed(one, changed_by="late"), changed(other, changed_by="late")]) == 1
    assert (store.get(one.id).changed_by, store.get(other.id).changed_by) == ("first", "late")


def test_of_many_products_those_are_added_that_are_not_there(store: Any) -> None:
    one, other = kept(store), product()
    assert store.add_all([(one, []), (other, [])]) == {other.id}
    assert store.add_all([(one, []), (other, [])]) == set()


def test_a_sku_that_is_taken_refuses_an_import(store: Any) -> None:
    one = kept(store)
    with pytest.raises(Refused):
        store.add_all([(product(skus=one.details.skus), [])])


def test_what_was_touched_is_told_again(store: Any) -> None:
    start = utcnow() - timedelta(seconds=2)
    old, one = kept(store, minutes=60), kept(store, minutes=60)
    change = changed(one, version=2)
    store.save(change)
    again = {found.id: found for batch in store.touched(start) for found in batch}
    assert one.id in again
    assert old.id not in again


def test_events_of_a_version_that_went_are_not_told(store: Any) -> None:
    one = kept(store)
    store.save(changed(one, version=2))
    assert store.tell([(one, events.standing(one, utcnow()))]) == 0
    assert store.tell([(store.get(one.id), events.standing(store.get(one.id), utcnow()))]) == 1
    assert store.unsent(one.id) == ["product.published", "product.changed"]


def test_a_product_that_cannot_be_read_holds_no_other_up(stores: dict[str, str]) -> None:
    store, tea = MongoProducts(live.documents), category()
    wrong, good = kept(store, within=tea), kept(store, within=tea)
    begun = utcnow() - timedelta(minutes=1)
    with live.documents.documents() as documents:
        documents.products.update_one({"_id": wrong.id}, {"$set": {"details.slug": 7, "touched_at": begun}})
        documents.products.update_one({"_id": good.id}, {"$set": {"touched_at": begun}})
    skus = [one.details.skus[0].sku for one in (wrong, good)]
    told = [one.id for batch in store.touched(begun) for one in batch]
    assert (wrong.id in told, good.id in told) == (False, True)
    assert [one.id for one in store.of_skus(skus)] == [good.id]
    assert [one.id for one in store.pick(Wish(category=tea.id), after=None, limit=1)] == [good.id]
    assert [one.id for one in store.in_category(tea.id, older_than=99, limit=1)] == [good.id]
    with live.documents.documents() as documents:
        documents.products.delete_one({"_id": wrong.id})
