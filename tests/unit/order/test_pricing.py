"""Whatever is bought, for whatever voucher and tax, wherever it goes: the money sums."""

from datetime import UTC, datetime
from fractions import Fraction
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.order.model.pricing import Bill, Offer, Terms, Wish, bill
from chalicelib.order.model.shipping import SHIPPING_METHODS, method_of, methods_to
from chalicelib.order.model.tax import TaxClass, TaxRates, tax_on
from chalicelib.order.model.voucher import Voucher, shares, taken_off
from souk.errors import Invalid
from souk.markets import MARKETS, Market, market_of
from souk.money import MOST, Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOME = MARKETS["default"]
US = TaxRates(country="US", standard=800, reduced=200)
PICKUP, STANDARD = SHIPPING_METHODS["pickup"], SHIPPING_METHODS["standard"]
amounts = st.integers(min_value=0, max_value=10**9)
rates = st.integers(min_value=0, max_value=10_000)


class Article(NamedTuple):
    """So many of something at a price each, of a class of tax."""

    price: int
    quantity: int = 1
    tax_class: TaxClass = TaxClass.STANDARD


def voucher(code: str, off: int) -> Voucher:
    return Voucher(code=code, off=off, valid_from=NOW, created_at=NOW, changed_at=NOW)


markets = st.sampled_from([HOME, replace(HOME, prices_include_tax=False)])
baskets = st.lists(
    st.builds(Article, amounts, st.integers(min_value=1, max_value=999), st.sampled_from(TaxClass)), max_size=12
)
vouchers = st.lists(st.integers(min_value=1, max_value=10_000), max_size=4).map(
    lambda offs: tuple(voucher(f"CODE-{n}", off) for n, off in enumerate(offs))
)
terms = st.builds(
    Terms,
    method=st.sampled_from(list(SHIPPING_METHODS.values())),
    rates=st.builds(TaxRates, country=st.just("US"), standard=rates, reduced=rates),
    vouchers=vouchers,
)


def priced(basket: list[Article], market: Market = HOME, under: Terms | None = None) -> Bill:
    offers = {
        f"sku-{n}": Offer(
            sku=f"sku-{n}",
            product_id="p",
            version=1,
            title="Tea",
            price=Money(one.price, market.currency),
            tax_class=one.tax_class,
        )
        for n, one in enumerate(basket)
    }
    wishes = [Wish(f"sku-{n}", one.quantity) for n, one in enumerate(basket)]
    return bill(wishes, offers, market=market, terms=under or Terms(method=PICKUP, rates=US))


@given(basket=baskets, market=markets, under=terms)
def test_the_parts_sum_to_the_total(basket: list[Article], market: Market, under: Terms) -> None:
    made = priced(basket, market, under)
    goods = sum(one.price * one.quantity for one in basket)
    off = sum(line.discount.amount for line in made.lines)
    tax = sum(line.tax.amount for line in made.lines) + made.totals.shipping_tax.amount
    assert (made.totals.goods.amount, made.totals.discount.amount, made.totals.tax.amount) == (goods, off, tax)
    assert sum(one.amount.amount for one in made.discounts) == off
    on_top = 0 if market.prices_include_tax else tax
    assert made.totals.total.amount == goods - off + made.totals.shipping.amount + on_top


@given(basket=baskets, market=markets, under=terms)
def test_what_is_taxed_is_what_is_paid_for_each_line_and_for_shipping(
    basket: list[Article], market: Market, under: Terms
) -> None:
    made = priced(basket, market, under)
    for line, one in zip(made.lines, basket, strict=True):
        rate = {"standard": under.rates.standard, "reduced": under.rates.reduced, "zero": 0}[one.tax_class]
        paid = Money(line.total.amount - line.discount.amount, market.currency)
        assert (line.tax_rate, line.tax) == (rate, tax_on(paid, rate, included=market.prices_include_tax))
    on_shipping = tax_on(made.totals.shipping, under.rates.standard, included=market.prices_include_tax)
    assert made.totals.shipping_tax == on_shipping


@given(basket=baskets, market=markets, under=terms)
def test_nothing_costs_less_than_nothing(basket: list[Article], market: Market, under: Terms) -> None:
    made = priced(basket, market, under)
    assert all(0 <= line.discount.amount <= line.total.amount for line in made.lines)
    assert all(line.tax.amount >= 0 for line in made.lines)
    assert 0 <= made.totals.discount.amount <= made.totals.goods.amount
    if any(one.off == 10_000 for one in under.vouchers):
        assert made.totals.discount == made.totals.goods


@given(lines=st.lists(amounts, max_size=12), off=st.integers(min_value=0, max_value=10_000))
def test_what_is_taken_off_is_right_to_half_a_unit_in_all_and_to_one_for_each_line(lines: list[int], off: int) -> None:
    parts = taken_off(lines, off)
    assert abs(sum(parts) - Fraction(sum(lines) * off, 10_000)) <= Fraction(1, 2)
    for part, whole in zip(parts, lines, strict=True):
        assert 0 <= part <= whole
        assert abs(part - Fraction(whole * off, 10_000)) <= 1 + Fraction(1, 2)


@given(weights=st.lists(st.integers(min_value=0, max_value=10**6), min_size=1), amount=st.integers(0, 10**6))
def test_shares_sum_and_nobodys_is_a_unit_off(weights: list[int], amount: int) -> None:
    parts = shares(amount, weights)
    if (whole := sum(weights)) == 0:
        assert sum(parts) == 0
        return
    assert sum(parts) == amount
    assert all(abs(part - Fraction(amount * weight, whole)) < 1 for part, weight in zip(parts, weights, strict=True))


def test_a_remainder_goes_to_the_largest_and_of_equal_ones_to_the_first() -> None:
    assert shares(10, [1, 1, 1]) == [4, 3, 3]
    assert shares(5, [10, 20, 70]) == [1, 1, 3]
    assert shares(1, [33, 34, 33]) == [0, 1, 0]


def test_vouchers_are_taken_one_after_the_other_in_the_order_of_their_codes() -> None:
    both = (voucher("B", 1_000), voucher("A", 5_000))
    made = priced([Article(1_000)], under=Terms(method=PICKUP, rates=US, vouchers=both))
    assert [(one.code, one.amount.amount) for one in made.discounts] == [("A", 500), ("B", 50)]


@given(amount=amounts, rate=rates)
def test_tax_is_right_to_half_a_minor_unit(amount: int, rate: int) -> None:
    inside = tax_on(Money(amount, "USD"), rate, included=True).amount
    assert abs(inside * (10_000 + rate) - amount * rate) * 2 <= 10_000 + rate
    on_top = tax_on(Money(amount, "USD"), rate, included=False).amount
    assert abs(on_top * 10_000 - amount * rate) * 2 <= 10_000


@given(amount=amounts)
def test_a_country_without_rates_taxes_nothing(amount: int) -> None:
    nowhere = Terms(method=STANDARD, rates=TaxRates(country="XX"))
    assert priced([Article(amount)], under=nowhere).totals.tax.amount == 0


def test_shipping_is_free_from_a_worth_on_and_not_a_unit_before() -> None:
    assert STANDARD.free_from is not None
    assert STANDARD.cost(Money(STANDARD.free_from, "USD")).amount == 0
    assert STANDARD.cost(Money(STANDARD.free_from - 1, "USD")).amount == STANDARD.price


def test_what_makes_shipping_free_is_what_is_paid_for_the_goods() -> None:
    half = Terms(method=STANDARD, rates=US, vouchers=(voucher("HALF", 5_000),))
    assert priced([Article(5_000)], under=half).totals.shipping.amount == STANDARD.price
    assert priced([Article(10_000)], under=half).totals.shipping.amount == 0


def test_what_comes_to_more_than_is_counted_cannot_be_priced() -> None:
    priced([Article(MOST)])
    with pytest.raises(Invalid):
        priced([Article(MOST), Article(1)])
    with pytest.raises(Invalid):
        priced([Article(MOST)], replace(HOME, prices_include_tax=False))


def test_a_bill_that_does_not_sum_cannot_be_made() -> None:
    made = priced([Article(100, 2)], under=Terms(method=PICKUP, rates=US, vouchers=(voucher("A", 1_000),)))
    (line,) = made.lines
    for wrong in (
        lambda: replace(made.totals, total=Money(1, "USD")),
        lambda: replace(line, quantity=3),
        lambda: replace(line, discount=Money(201, "USD")),
        lambda: replace(made, lines=()),
        lambda: replace(made, discounts=()),
        lambda: replace(made, lines=(replace(line, tax=Money(1, "USD")),)),
    ):
        with pytest.raises(ValueError, match=r"sum|more is taken off"):
            wrong()


@pytest.mark.parametrize("country", HOME.countries)
def test_something_goes_to_every_country_that_we_ship_to(country: str) -> None:
    assert list(methods_to(country))


def test_a_method_that_does_not_go_there_is_refused_with_those_that_do() -> None:
    with pytest.raises(Invalid, match="does not go to DE") as caught:
        method_of("express", "DE")
    assert [(one.pointer, one.detail) for one in caught.value.faults] == [
        ("/shipping_method", "to DE: europe, worldwide-express")
    ]


def test_what_is_unknown_is_pointed_at() -> None:
    for look_up, pointer in (
        (lambda: market_of("moon"), "/market"),
        (lambda: method_of("pigeon", "US"), "/shipping_method"),
    ):
        with pytest.raises(Invalid) as caught:
            look_up()
        assert caught.value.faults[0].pointer == pointer
