"""Many buyers of few units, and one cart submitted again and again, over HTTP: the bench's proofs in small."""

from collections.abc import Iterator

import pytest
from bench.checkout import buyers, clicks, redelivery
from bench.checkout.buyers import Crowd
from bench.checkout.shop import on_sale
from deployments import Deployment, deployed, serving

from souk.stages import LOCAL, SERVE

pytestmark = [pytest.mark.stores, pytest.mark.fault]
WAYS = {SERVE: serving, LOCAL: deployed}
CLICKS = 16


@pytest.fixture(scope="module", params=list(WAYS))
def shop(request: pytest.FixtureRequest, stores: dict[str, str]) -> Iterator[Deployment]:
    with WAYS[request.param](stores) as deployment:
        yield deployment


def test_as_many_are_sold_as_there_are_and_everybody_else_is_told_why_not(shop: Deployment) -> None:
    wave = buyers.compete(shop.base, Crowd(buyers=40, units=5, at_once=16))
    row = wave.row()
    assert row.violations == (), shop.log()
    assert row.outcome == "5 placed, 35 rejected out-of-stock"
    if redelivery.possible():
        again = buyers.deliver_again(shop.base, wave)
        assert again.violations == (), shop.log()


def test_a_voucher_is_used_as_often_as_it_may_be(shop: Deployment) -> None:
    row = buyers.compete(shop.base, Crowd(buyers=24, units=5, at_once=12, voucher=True)).row()
    assert row.violations == (), shop.log()
    assert row.outcome.startswith("5 placed, 19 rejected")


def test_carts_of_the_same_goods_in_any_order_do_not_lock_each_other_out(shop: Deployment) -> None:
    row = buyers.compete(shop.base, Crowd(buyers=24, units=5, at_once=12, skus=5)).row()
    assert row.violations == (), shop.log()
    assert row.outcome == "5 placed, 19 rejected out-of-stock"


def test_a_cart_submitted_many_times_at_once_is_one_order_and_one_answer(shop: Deployment) -> None:
    [goods] = on_sale(shop.base, 1, stock=len(clicks.KEYS))
    for name in clicks.KEYS:
        row = clicks.submit_often(shop.base, goods, name, CLICKS)
        assert row.violations == (), f"{name}\n{shop.log()}"
        assert row.outcome == f"{CLICKS} times 202, 1 order placed"
