"""What the replica of the products promises, in memory as in MongoDB."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

from contract.order import goods
from contract.order.conftest import Keeper
from msgspec.structs import replace

from chalicelib.order.model.pricing import Terms, bill
from chalicelib.order.model.product import Product, SoldSku, offers_of
from chalicelib.order.model.shipping import method_of
from chalicelib.order.model.submission import Snapshot
from chalicelib.order.model.tax import TaxRates
from souk.errors import Unavailable
from souk.ids import new_id
from souk.markets import market_of


def keep(keeper: Keeper, product: Product) -> None:
    """Keep a product, trying again when another version is just being kept, as the queue does."""
    while True:
        with suppress(Unavailable):
            return keeper.replica.keep(product)


def test_a_product_is_found_by_its_id_and_by_its_skus(keeper: Keeper) -> None:
    known = goods.product()
    keeper.replica.keep(known)
    assert keeper.replica.by_id([known.id, new_id()]) == [known]
    assert keeper.replica.with_skus([known.skus[0].sku, "another"]) == [known]


def test_a_newer_version_replaces_an_older_one_and_never_the_other_way(keeper: Keeper) -> None:
    known = goods.product(version=2)
    for one in (known, replace(known, version=1, title="Old"), replace(known, version=3, title="New")):
        keeper.replica.keep(one)
    assert [one.title for one in keeper.replica.by_id([known.id])] == ["New"]


def test_a_tombstone_stays_when_a_late_event_comes(keeper: Keeper) -> None:
    known = goods.product(version=1)
    skus = tuple(SoldSku(sku=one.sku) for one in known.skus)
    keeper.replica.keep(replace(known, version=2, sold=False, skus=skus))
    keeper.replica.keep(known)
    (found,) = keeper.replica.by_id([known.id])
    assert (found.version, found.sold) == (2, False)
    assert offers_of([found], "default") == {}


def test_of_many_versions_at_once_the_newest_stays(keeper: Keeper) -> None:
    known = goods.product()
    versions = [replace(known, version=version) for version in range(1, 17)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(partial(keep, keeper), versions[1::2] + versions[::2]))
    assert [one.version for one in keeper.replica.by_id([known.id])] == [16]


def test_the_first_snapshot_of_an_order_wins(keeper: Keeper) -> None:
    known = goods.product()
    offers = offers_of([known], "default")
    terms = Terms(method=method_of("pickup", "US"), rates=TaxRates(country="US", standard=800, version=3))
    priced = bill([], offers, market=market_of("default"), terms=terms)
    first = Snapshot(order_id=new_id(), offers=tuple(offers.values()), terms=terms, bill=priced)
    assert keeper.replica.snapshot(first.order_id) is None
    assert keeper.replica.keep_snapshot(first) == first
    assert keeper.replica.keep_snapshot(replace(first, offers=())) == first
    kept = keeper.replica.snapshot(first.order_id)
    assert kept is not None
    assert kept.digest() == first.digest()
