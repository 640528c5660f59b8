"""Whatever is bought, the money sums."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.order.model import pricing
from chalicelib.order.model.pricing import Bill, Offer, ShippingMethod, Wish, bill, tax_on
from souk.errors import Invalid
from souk.markets import MARKETS, Market
from souk.money import MOST, Money, total

amounts = st.integers(min_value=0, max_value=10**9)
markets = st.sampled_from([MARKETS["default"], replace(MARKETS["default"], prices_include_tax=False)])
methods = st.sampled_from(list(pricing.SHIPPING_METHODS.values()))
baskets = st.lists(st.tuples(amounts, st.integers(min_value=1, max_value=999)), max_size=12)


def priced(basket: list[tuple[int, int]], market: Market, method: ShippingMethod, country: str = "US") -> Bill:
    offers = {
        f"sku-{n}": Offer(sku=f"sku-{n}", product_id="p", version=1, title="Tea", price=Money(price, market.currency))
        for n, (price, _) in enumerate(basket)
    }
    wishes = [Wish(f"sku-{n}", quantity) for n, (_, quantity) in enumerate(basket)]
    return bill(wishes, offers, market=market, method=method, country=country)


@given(basket=baskets, market=markets, method=methods)
def test_lines_sum_to_the_goods_and_the_goods_to_the_total(
    basket: list[tuple[int, int]], market: Market, method: ShippingMethod
) -> None:
    made = priced(basket, market, method)
    assert made.totals.goods.amount == sum(price * quantity for price, quantity in basket)
    added = [made.totals.goods, made.totals.shipping, *([] if market.prices_include_tax else [made.totals.tax])]
    assert made.totals.total == total(added, currency=market.currency)


@given(basket=baskets, market=markets, method=methods)
def test_tax_is_the_sum_of_the_tax_of_the_parts(
    basket: list[tuple[int, int]], market: Market, method: ShippingMethod
) -> None:
    made = priced(basket, market, method)
    on_shipping = tax_on(made.totals.shipping, pricing.TAX_RATES["US"], included=market.prices_include_tax)
    assert made.totals.tax.amount == sum(line.tax.amount for line in made.lines) + on_shipping.amount


@given(amount=amounts, rate=st.integers(min_value=0, max_value=10_000))
def test_tax_is_right_to_half_a_minor_unit(amount: int, rate: int) -> None:
    inside = tax_on(Money(amount, "USD"), rate, included=True).amount
    assert abs(inside * (10_000 + rate) - amount * rate) * 2 <= 10_000 + rate
    on_top = tax_on(Money(amount, "USD"), rate, included=False).amount
    assert abs(on_top * 10_000 - amount * rate) * 2 <= 10_000


@given(amount=amounts)
def test_where_there_is_no_tax_there_is_none(amount: int) -> None:
    assert priced([(amount, 1)], MARKETS["default"], pricing.SHIPPING_METHODS["pickup"], "XX").totals.tax.amount == 0


def test_shipping_is_free_from_a_worth_on_and_not_a_unit_before() -> None:
    method = pricing.SHIPPING_METHODS["standard"]
    assert method.free_from is not None
    assert method.cost(Money(method.free_from, "USD")).amount == 0
    assert method.cost(Money(method.free_from - 1, "USD")).amount == method.price


def test_what_comes_to_more_than_is_counted_cannot_be_priced() -> None:
    priced([(MOST, 1)], MARKETS["default"], pricing.SHIPPING_METHODS["pickup"])
    with pytest.raises(Invalid):
        priced([(MOST, 1), (1, 1)], MARKETS["default"], pricing.SHIPPING_METHODS["pickup"])


def test_a_bill_that_does_not_sum_cannot_be_made() -> None:
    made = priced([(100, 2)], MARKETS["default"], pricing.SHIPPING_METHODS["pickup"])
    with pytest.raises(ValueError, match="do not sum"):
        replace(made.totals, total=Money(1, "USD"))
    with pytest.raises(ValueError, match="does not sum"):
        replace(made.lines[0], quantity=3)
    with pytest.raises(ValueError, match="do not sum"):
        replace(made, lines=())


@pytest.mark.parametrize(
    ("look_up", "pointer"), [(pricing.market_of, "/market"), (pricing.method_of, "/shipping_method")]
)
def test_what_is_unknown_is_pointed_at(look_up: object, pointer: str) -> None:
    with pytest.raises(Invalid) as caught:
        look_up("moon")  # type: ignore[operator]  # one of two functions
    assert caught.value.faults[0].pointer == pointer
