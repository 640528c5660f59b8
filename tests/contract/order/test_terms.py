"""What the keepers of vouchers and of rates of tax promise, in memory as in PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from contract.order import goods
from contract.order.conftest import Keeper
from msgspec.structs import replace

from chalicelib.order import expiry, fulfilment, management, taxes, vouchers
from chalicelib.order.fulfilment import PaymentWish
from chalicelib.order.model.order import Order
from chalicelib.order.model.submission import Rejection
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.model.voucher import UsedUp, Voucher
from chalicelib.order.taxes import RatesWish
from chalicelib.order.vouchers import NewVoucher, VoucherEdit, VoucherQuery
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.clock import utcnow
from souk.errors import Missing, Refused, Stale
from souk.ids import new_id
from souk.markets import MARKETS
from souk.money import Money

STAFF = Origin(Caller(kind=Kind.STAFF, subject="staff", permissions=frozenset({"orders:write", "vouchers:write"})))
CASH = PaymentWish(method="cash")


def voucher(keeper: Keeper, **wish: Any) -> Voucher:
    """Make a voucher of 10 % off."""
    new = NewVoucher(code=f"V-{new_id()[-14:].upper()}", **({"off": 1_000} | wish))
    with keeper.open() as books:
        return vouchers.create(new, by=STAFF, now=utcnow(), vouchers=books)


def used(keeper: Keeper, code: str) -> int:
    with keeper.open() as books:
        return vouchers.read(code, vouchers=books).used


def test_a_voucher_is_kept_as_it_was_made_and_found_by_its_code(keeper: Keeper) -> None:
    now = utcnow()
    made = voucher(keeper, usage_limit=3, minimum=Money(500, "USD"), valid_until=now + timedelta(days=1))
    with keeper.open() as books:
        assert books.voucher(made.code) == made
        found = vouchers.listed(VoucherQuery(text=made.code.lower()), vouchers=books)
        assert found.items == [made]
        known = books.terms("US", [made.code, "NONE"])
        assert known.vouchers == (made,)
        with pytest.raises(Missing):
            books.voucher("NONE")
    with pytest.raises(Refused), keeper.open() as books:
        books.add_voucher(made)


def test_a_change_is_made_to_what_was_seen(keeper: Keeper) -> None:
    code = voucher(keeper).code
    with keeper.open() as books:
        edit = VoucherEdit(off=2_000, usage_limit=7)
        changed = vouchers.edit(code, edit, seen=1, by=STAFF, now=utcnow(), vouchers=books)
        assert (books.voucher(code), changed.off, changed.usage_limit, changed.version) == (changed, 2_000, 7, 2)
    with pytest.raises(Stale), keeper.open() as books:
        vouchers.edit(code, edit, seen=1, by=STAFF, now=utcnow(), vouchers=books)


def test_a_voucher_is_used_as_often_as_its_limit_says_and_all_or_none_of_several(keeper: Keeper) -> None:
    one, other = voucher(keeper, usage_limit=1).code, voucher(keeper).code
    with keeper.open() as books:
        books.use([other, one])
    with pytest.raises(UsedUp) as caught, keeper.open() as books, books.trial():
        books.use([one, other])
    assert caught.value.codes == [one]
    assert (used(keeper, one), used(keeper, other)) == (1, 1)


def test_an_order_uses_its_voucher_until_it_is_cancelled_or_expires_and_again_when_it_is_paid_late(
    keeper: Keeper,
) -> None:
    code, tea = voucher(keeper, usage_limit=1).code, goods.shelve(keeper, 9)
    first, second, third = (goods.submission(keeper, tea, vouchers=(code,)) for _ in range(3))
    placed = goods.place(keeper, first)
    assert isinstance(placed, Order)
    assert (placed.totals.discount, used(keeper, code)) == (Money(100, "USD"), 1)
    goods.overdue(keeper, placed)
    expiry.sweep(books=keeper.open)
    assert used(keeper, code) == 0
    with keeper.open() as books:
        fulfilment.pay(placed.id, CASH, by=STAFF, now=utcnow(), books=books)
    assert used(keeper, code) == 1
    turned_down = goods.place(keeper, second)
    assert isinstance(turned_down, Rejection)
    assert [why.code for why in turned_down.reasons] == ["voucher-used-up", "price-changed"]
    with keeper.open() as books:
        management.cancel(placed.id, by=STAFF, now=utcnow(), books=books)
    assert used(keeper, code) == 0
    assert isinstance(goods.place(keeper, third), Order)


def test_a_quote_is_good_for_one_order(keeper: Keeper) -> None:
    tea = goods.shelve(keeper, 9)
    first = goods.submission(keeper, tea)
    assert isinstance(goods.place(keeper, first), Order)
    second = replace(goods.submission(keeper, tea), quote_id=first.quote_id)
    turned_down = goods.place(keeper, second)
    assert isinstance(turned_down, Rejection)
    assert [why.code for why in turned_down.reasons] == ["quote-used"]
    assert turned_down.quote_id is not None
    third = replace(goods.submission(keeper, tea), quote_id=turned_down.quote_id)
    assert isinstance(goods.place(keeper, third), Order)


@pytest.fixture
def net(monkeypatch: pytest.MonkeyPatch) -> str:
    """A market whose prices are without tax."""
    monkeypatch.setitem(MARKETS, "net", replace(MARKETS["default"], code="net", prices_include_tax=False))
    return "net"


@contextmanager
def a_point_more(keeper: Keeper) -> Iterator[TaxRates]:
    """Let the standard rate be one per cent more for a while."""

    def put(standard: int) -> TaxRates:
        with keeper.open() as books:
            seen = books.terms("US", ()).rates
            wish = RatesWish(standard=standard, reduced=seen.reduced)
            return taxes.set_rates("US", wish, seen=seen.version, by=STAFF, now=utcnow(), taxes=books)

    with keeper.open() as books:
        before = books.terms("US", ()).rates
    yield put(before.standard + 100)
    put(before.standard)


def test_other_rates_at_order_time_are_told_with_a_new_quote_that_then_holds(keeper: Keeper, net: str) -> None:
    tea = goods.shelve(keeper, 9)
    before = goods.submission(keeper, tea, market=net)
    with a_point_more(keeper):
        turned_down = goods.place(keeper, before)
        assert isinstance(turned_down, Rejection)
        (why,) = turned_down.reasons
        assert (why.code, why.accepted, why.due) == ("price-changed", Money(1_080, "USD"), Money(1_090, "USD"))
        changes = {"quote_id": turned_down.quote_id, "accepted_total": why.due}
        placed = goods.place(keeper, replace(goods.submission(keeper, tea, market=net), **changes))
        assert isinstance(placed, Order)
    assert (placed.totals.tax, placed.lines[0].tax_rate) == (Money(90, "USD"), 900)


def test_where_prices_include_tax_other_rates_change_what_is_shown_and_not_what_is_due(keeper: Keeper) -> None:
    before = goods.submission(keeper, goods.shelve(keeper, 9))
    with a_point_more(keeper) as rates:
        placed = goods.place(keeper, before)
    assert isinstance(placed, Order)
    assert [line.tax_rate for line in placed.lines] == [rates.standard]


def test_rates_that_are_remembered_are_asked_for_again_when_they_changed(keeper: Keeper, net: str) -> None:
    tea, remembered = goods.shelve(keeper, 9), dict[str, TaxRates]()
    first = goods.quote(keeper, tea, market=net, remembered=remembered)
    with a_point_more(keeper) as rates:
        second = goods.quote(keeper, tea, market=net, remembered=remembered)
        assert remembered == {"US": rates}
    assert [one.bill.totals.tax.amount for one in (first, second)] == [80, 90]


def test_rates_are_set_as_they_were_seen_and_from_nothing_where_there_are_none(keeper: Keeper) -> None:
    with keeper.open() as books:
        there = {one.country for one in books.tax_rates()}
        country = next(a + b for a in "XQ" for b in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if a + b not in there)
        assert books.terms(country, ()).rates == TaxRates(country=country)
        wish = RatesWish(standard=2_500, reduced=0)
        made = taxes.set_rates(country, wish, seen=0, by=STAFF, now=utcnow(), taxes=books)
        assert (made.version, books.terms(country, ()).rates) == (1, made)
    with pytest.raises(Stale), keeper.open() as books:
        taxes.set_rates(country, wish, seen=0, by=STAFF, now=utcnow(), taxes=books)
    with pytest.raises(Missing), keeper.open() as books:
        taxes.set_rates("usa", wish, seen=0, by=STAFF, now=utcnow(), taxes=books)


def test_a_quote_is_not_kept_under_rates_that_are_others_by_now(keeper: Keeper) -> None:
    made = goods.quote(keeper, goods.shelve(keeper, 1))
    with keeper.open() as books:
        rates = books.terms("US", ()).rates
        assert books.add_quote(replace(made, id=new_id()), under=replace(rates, version=rates.version + 1)) is None
        shelves = books.add_quote(replace(made, id=new_id()), under=rates) or []
    assert [(one.level.sku, one.level.on_hand) for one in shelves] == [(made.bill.lines[0].sku, 1)]
