"""What shoppers are shown when a store knows too little or is down, with keepers in memory."""

from typing import Any

import pytest
from contract.product.goods import category, product
from contract.product.memory import Down, MemoryPurchases, MemoryShop
from msgspec.structs import replace

from chalicelib.product import listing, recommendation
from chalicelib.product.model import State
from chalicelib.product.recommendation import Basket, recommended
from chalicelib.product.storefront import Wanted
from souk.errors import Missing, Unavailable
from souk.ids import new_id


class Counter:
    """A shop of tea, milk and salt in one category, and a pot elsewhere."""

    def __init__(self) -> None:
        food = category("Food")
        self.tea, self.milk, self.salt = (replace(product(name, within=food), sold=sold) for name, sold in SOLD.items())
        self.pot = replace(product("Pot"), sold=100)
        self.shop, self.purchases = MemoryShop(), MemoryPurchases()
        self.shop.write([self.tea, self.milk, self.salt, self.pot])

    def recommended(self, purchases: Any = None) -> recommendation.Recommended:
        return recommended(self.tea.id, 2, purchases=purchases or self.purchases, shop=self.shop, index=self.shop)


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
        recommended(new_id(), 2, purchases=MemoryPurchases(), shop=MemoryShop(), index=MemoryShop())


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
