"""Everybody wants the same voucher, quote and stock at once, while orders expire, are cancelled and paid: none is used twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from random import Random

import pytest
from msgspec.structs import replace
from psycopg2.errors import DeadlockDetected

from chalicelib.order import checks, expiry, fulfilment, live, management, placing, quotes, vouchers
from chalicelib.order.model.address import Address
from chalicelib.order.model.order import Order, Status
from chalicelib.order.model.pricing import Wish
from chalicelib.order.model.product import Product, SoldSku
from chalicelib.order.model.quote import Contact, Quote
from chalicelib.order.model.stock import Movement, Spot, Why
from chalicelib.order.model.submission import Rejection, Submission, SubmittedLine
from chalicelib.order.vouchers import NewVoucher, VoucherEdit
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.clock import utcnow
from souk.errors import Invalid, Refused, Stale, Unavailable
from souk.ids import id_of, new_id
from souk.money import Money

pytestmark = [pytest.mark.stores, pytest.mark.fault]
AT_ONCE = 24
STAFF = Origin(Caller(kind=Kind.STAFF, subject="staff", permissions=frozenset({"orders:write", "vouchers:write"})))
CASH = fulfilment.PaymentWish(method="cash")
HOME = Address(recipient="Ada", street="1 Mill Lane", city="Reno", postal_code="89501", region="NV", country="US")
ADA = Contact(email="ada@example.com", name="Ada")
AGE = "UPDATE reservations SET held_until = now() - interval '1 second' WHERE order_id = ANY(%(orders)s::uuid[])"
COUNT = """
    SELECT used,
           (SELECT count(*) FROM voucher_uses u WHERE u.code = v.code AND state IN ('used', 'released')) AS counted,
           (SELECT count(*) FROM voucher_uses u JOIN orders ON id = order_id
             WHERE u.code = v.code AND status <> 'cancelled') AS living,
           (SELECT count(*) FROM voucher_uses u WHERE u.code = v.code AND state = 'used') AS kept
      FROM vouchers v WHERE code = %(code)s
"""
Goods = tuple[str, str]


@pytest.fixture
def crowd(stores: dict[str, str]) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


def on_the_shelf(units: int) -> Goods:
    """Put a fresh product on the shelf; return product and SKU."""
    product, sku = new_id(), f"sku-{new_id()}"
    sold = SoldSku(sku=sku, title="Tea", prices={"default": Money(1_000, "USD")})
    live.replica.keep(Product(id=product, version=1, sold=True, title="Tea", skus=(sold,)))
    with live.books() as books:
        books.open_rows([Spot(sku)])
        books.move([Movement(sku=sku, on_hand=units, why=Why.RECEIVED)])
    return product, sku


def voucher(limit: int | None) -> str:
    """Make a voucher of 10 % off; return its code."""
    code = f"V-{new_id()[-14:].upper()}"
    with live.books() as books:
        vouchers.create(NewVoucher(code=code, off=1_000, usage_limit=limit), by=STAFF, now=utcnow(), vouchers=books)
    return code


def quoted(goods: Sequence[Goods], codes: Sequence[str] = ()) -> Quote:
    wish = quotes.QuoteWish(
        lines=tuple(Wish(sku, 1) for _, sku in goods),
        contact=ADA,
        shipping_address=HOME,
        shipping_method="pickup",
        vouchers=tuple(codes),
    )
    with live.reading() as books:
        return quotes.quote(wish, now=utcnow(), products=live.replica, quotes=books).quote


def submission(goods: Sequence[Goods], quote: Quote) -> Submission:
    """Return a fresh cart's submission of one unit of each."""
    cart = new_id()
    lines = [SubmittedLine(sku=sku, product_id=product, quantity=1, product_version=1) for product, sku in goods]
    return Submission(
        order_id=id_of("order", cart, 1),
        cart_id=cart,
        attempt=1,
        market="default",
        customer_id=None,
        lines=tuple(lines),
        quote_id=quote.id,
        accepted_total=quote.bill.totals.total,
        submitted_at=utcnow(),
        event_id=new_id(),
    )


def patiently(act: Callable[[], object]) -> object:
    """Act, and again when the database is too busy, but never for a deadlock; that it is refused is fine."""
    with suppress(Refused, Stale, Invalid):
        while True:
            try:
                return act()
            except Unavailable as error:
                if isinstance(error.__cause__, DeadlockDetected):
                    raise
    return None


def decide(one: Submission) -> object:
    return patiently(partial(placing.place, one, products=live.replica, reading=live.reading, books=live.books))


def paid(order_id: str) -> None:
    with live.books() as books:
        fulfilment.pay(order_id, CASH, by=STAFF, now=utcnow(), books=books)


def cancelled(order_id: str) -> None:
    with live.books() as books:
        management.cancel(order_id, by=STAFF, now=utcnow(), books=books)


def relimited(code: str, limit: int) -> None:
    with live.books() as books:
        seen = books.voucher(code).version
        edit = VoucherEdit(usage_limit=limit)
        vouchers.edit(code, edit, seen=seen, by=STAFF, now=utcnow(), vouchers=books)


def uses(code: str) -> dict[str, int]:
    with live.reading() as books:
        found = books.tx.one(COUNT, code=code)
    assert found is not None
    return found


def verdicts(results: Sequence[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


def test_fifty_buyers_of_a_voucher_for_five_use_it_five_times(crowd: ThreadPoolExecutor) -> None:
    goods, code = [on_the_shelf(100)], voucher(5)
    wanted = [submission(goods, quoted(goods, [code])) for _ in range(50)]
    outcomes = list(crowd.map(decide, wanted))
    assert verdicts(outcomes) == {"Order": 5, "Rejection": 45}
    assert uses(code) == {"used": 5, "counted": 5, "living": 5, "kept": 5}
    turned_down = [one for one in outcomes if isinstance(one, Rejection)]
    assert {tuple(why.code for why in one.reasons) for one in turned_down} == {("voucher-used-up", "price-changed")}
    with live.reading() as books:
        offered = [books.quote(one.quote_id or "") for one in turned_down]
    assert {one.quote.bill.totals.total.amount for one in offered if one} == {1_000}
    again = [submission(goods, one.quote) for one in offered if one]
    assert verdicts(list(crowd.map(decide, again))) == {"Order": 45}


def test_vouchers_and_goods_in_any_order_do_not_lock_each_other_out(crowd: ThreadPoolExecutor) -> None:
    tea, rice, one, other = on_the_shelf(100), on_the_shelf(100), voucher(10), voucher(30)
    wanted = [
        submission(goods, quoted(goods, codes))
        for n in range(10)
        for goods, codes in (
            ([tea, rice], [one, other]),
            ([rice, tea], [other, one]),
            ([rice], [other]),
            ([tea], [one] if n % 2 else [other]),
        )
    ]
    Random(1).shuffle(wanted)  # noqa: S311 - an order, not a secret
    assert verdicts(list(crowd.map(decide, wanted)))["Order"] >= 10
    for code, limit in ((one, 10), (other, 30)):
        found = uses(code)
        assert found["used"] == found["living"] == found["counted"] == found["kept"] <= limit
    assert uses(one)["used"] == 10


def test_a_quote_that_many_carts_accept_at_once_makes_one_order(crowd: ThreadPoolExecutor) -> None:
    goods, code = [on_the_shelf(100)], voucher(None)
    quote = quoted(goods, [code])
    outcomes = list(crowd.map(decide, [submission(goods, quote) for _ in range(20)]))
    assert verdicts(outcomes) == {"Order": 1, "Rejection": 19}
    reasons = {why.code for one in outcomes if isinstance(one, Rejection) for why in one.reasons}
    assert (reasons, uses(code)["used"]) == ({"quote-used"}, 1)


def test_a_cart_submitted_fifty_times_uses_its_voucher_once(crowd: ThreadPoolExecutor) -> None:
    goods, code = [on_the_shelf(100)], voucher(50)
    once = submission(goods, quoted(goods, [code]))
    outcomes = verdicts(list(crowd.map(decide, [replace(once, event_id=new_id()) for _ in range(50)])))
    assert (outcomes, uses(code)["used"]) == ({"Order": 1, "NoneType": 49}, 1)


def test_uses_count_what_lives_however_orders_expire_are_cancelled_paid_late_and_limits_change(
    crowd: ThreadPoolExecutor,
) -> None:
    codes = [voucher(8), voucher(12)]
    tea, rice = on_the_shelf(40), on_the_shelf(40)
    first = [submission(goods, quoted(goods, codes)) for goods in ([tea], [rice], [tea, rice]) for _ in range(8)]
    then = [submission(goods, quoted(goods, codes[::-1])) for goods in ([rice], [tea], [rice, tea]) for _ in range(8)]
    placed = [one.id for one in crowd.map(decide, first) if isinstance(one, Order)]
    assert len(placed) == 8
    with live.books() as books:
        books.tx.run(AGE, orders=placed)
    acts: list[Callable[[], object]] = [partial(placing_again, one) for one in then]
    acts += [partial(paid, one) for one in placed] + [partial(cancelled, one) for one in placed]
    acts += [partial(expiry.sweep, books=live.books) for _ in range(4)]
    acts += [partial(relimited, code, limit) for code in codes for limit in (9, 12)]
    Random(2).shuffle(acts)  # noqa: S311 - an order, not a secret
    for done in [crowd.submit(patiently, act) for act in acts]:
        done.result()
    expiry.sweep(books=live.books)
    ids = {one.order_id for one in [*first, *then]}
    assert [one for one in checks.PRICES.run().violations if one.about.split()[-1] in {*ids, *codes}] == []
    for code in codes:
        found = uses(code)
        assert found["used"] == found["counted"]
        assert found["living"] == found["kept"] <= 12
    with live.reading() as books:
        for one in placed:
            order = books.find(one)
            assert isinstance(order, Order)
            lives = order.status is not Status.CANCELLED
            assert {use.state == "used" for use in order.vouchers} == {lives}


def placing_again(one: Submission) -> object:
    return placing.place(one, products=live.replica, reading=live.reading, books=live.books)
