"""Two hundred buyers at once, deliveries that come twenty times, reservations whose time is up: nothing is sold twice."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from chalicelib.order import expiry, fulfilment, live, placing, quotes
from chalicelib.order.model.address import Address
from chalicelib.order.model.order import Order, Status
from chalicelib.order.model.pricing import Wish
from chalicelib.order.model.product import Product, SoldSku
from chalicelib.order.model.quote import Contact
from chalicelib.order.model.reservation import Hold
from chalicelib.order.model.stock import Movement, Spot, Why
from chalicelib.order.model.submission import Rejection, Submission, SubmittedLine
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.clock import utcnow
from souk.errors import Refused, Unavailable
from souk.ids import id_of, new_id
from souk.money import Money

pytestmark = [pytest.mark.stores, pytest.mark.fault]
AT_ONCE = 24
STAFF = Origin(Caller(kind=Kind.STAFF, subject="staff", permissions=frozenset({"orders:write"})))
CASH = fulfilment.PaymentWish(method="cash")
PRICE = Money(1_000, "USD")
HOME = Address(recipient="Ada", street="1 Mill Lane", city="Reno", postal_code="89501", region="NV", country="US")
COUNT = "SELECT count(*) AS n FROM orders JOIN order_lines ON order_id = id WHERE sku = %(sku)s"
SUMS = """
    SELECT on_hand, reserved,
           (SELECT sum(on_hand) FROM stock_ledger l WHERE l.sku = s.sku AND l.location = s.location) AS noted_on_hand,
           (SELECT sum(reserved) FROM stock_ledger l WHERE l.sku = s.sku AND l.location = s.location) AS noted_reserved,
           (SELECT COALESCE(sum(quantity), 0) FROM reservations r
             WHERE r.sku = s.sku AND state IN ('held', 'committed')) AS kept
      FROM stock s WHERE sku = %(sku)s
"""
AGE = "UPDATE reservations SET held_until = now() - interval '1 second' WHERE sku = ANY(%(skus)s)"
EXPIRED = "SELECT count(*) AS n FROM stock_ledger WHERE sku = %(sku)s AND why = 'expired'"


@pytest.fixture
def crowd(stores: dict[str, str]) -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield pool


def on_the_shelf(units: int) -> tuple[str, str]:
    """Put a fresh product on the shelf; return product and SKU."""
    product, sku = new_id(), f"sku-{new_id()}"
    sold = SoldSku(sku=sku, title="Tea", prices={"default": PRICE})
    live.replica.keep(Product(id=product, version=1, sold=True, title="Tea", skus=(sold,)))
    with live.books() as books:
        books.open_rows([Spot(sku)])
        books.move([Movement(sku=sku, on_hand=units, why=Why.RECEIVED)])
    return product, sku


def submission(*goods: tuple[str, str]) -> Submission:
    """Return a fresh submission of one unit of each."""
    now = utcnow()
    wish = quotes.QuoteWish(
        lines=tuple(Wish(sku, 1) for _, sku in goods),
        contact=Contact(email="ada@example.com", name="Ada"),
        shipping_address=HOME,
        shipping_method="pickup",
    )
    with live.reading() as books:
        quote = quotes.quote(wish, now=now, products=live.replica, quotes=books).quote
    cart = new_id()
    return Submission(
        order_id=id_of("order", cart, 1),
        cart_id=cart,
        attempt=1,
        market="default",
        customer_id=None,
        lines=tuple(
            SubmittedLine(sku=sku, product_id=product, quantity=1, product_version=1) for product, sku in goods
        ),
        quote_id=quote.id,
        accepted_total=quote.bill.totals.total,
        submitted_at=now,
        event_id=new_id(),
    )


def decide(one: Submission) -> Order | Rejection | None:
    """Decide, trying again when the database asks for it, as the queue does."""
    while True:
        try:
            return placing.place(one, products=live.replica, reading=live.reading, books=live.books)
        except Unavailable:
            continue


def all_at_once(
    crowd: ThreadPoolExecutor, act: Callable[[Submission], object], of: Sequence[Submission]
) -> Counter[str]:
    return Counter(type(result).__name__ for result in crowd.map(act, of))


def assert_sums(sku: str, *, on_hand: int, reserved: int) -> None:
    with live.reading() as books:
        row = books.tx.one(SUMS, sku=sku)
    assert row is not None
    assert (row["on_hand"], row["reserved"]) == (on_hand, reserved)
    assert (row["noted_on_hand"], row["noted_reserved"], row["kept"]) == (on_hand, reserved, reserved)


def test_two_hundred_buyers_of_five_units_make_five_orders(crowd: ThreadPoolExecutor) -> None:
    goods = on_the_shelf(5)
    wanted = [submission(goods) for _ in range(200)]
    assert all_at_once(crowd, decide, wanted) == {"Order": 5, "Rejection": 195}
    assert_sums(goods[1], on_hand=5, reserved=5)


def test_a_submission_delivered_twenty_times_at_once_is_one_order(crowd: ThreadPoolExecutor) -> None:
    goods = on_the_shelf(30)
    one = submission(goods)
    assert all_at_once(crowd, decide, [one] * 20) == {"Order": 1, "NoneType": 19}
    with live.reading() as books:
        assert books.tx.one(COUNT, sku=goods[1]) == {"n": 1}
    assert_sums(goods[1], on_hand=30, reserved=1)


def test_carts_of_the_same_goods_in_any_order_do_not_lock_each_other_out(crowd: ThreadPoolExecutor) -> None:
    some, others, more = on_the_shelf(20), on_the_shelf(20), on_the_shelf(20)
    wanted = [submission(*((some, others, more) if n % 2 else (more, others, some))) for n in range(40)]
    assert all_at_once(crowd, decide, wanted) == {"Order": 20, "Rejection": 20}
    for _, sku in (some, others, more):
        assert_sums(sku, on_hand=20, reserved=20)


def test_money_and_the_end_of_time_at_once_leave_an_order_paid_with_its_stock_or_cancelled_without(
    crowd: ThreadPoolExecutor,
) -> None:
    one, other = on_the_shelf(20), on_the_shelf(20)
    placed = [decide(submission(one, other)) for _ in range(20)]
    with live.books() as books:
        books.tx.run(AGE, skus=[one[1], other[1]])
    acts: list[Callable[[], object]] = [partial(pay, order.id) for order in placed if isinstance(order, Order)]
    acts += [partial(decide, submission(one, other)) for _ in range(20)]
    acts += [partial(expiry.sweep, books=live.books) for _ in range(4)]
    for done in [crowd.submit(act) for act in acts]:
        done.result()
    expiry.sweep(books=live.books)
    for order in placed:
        assert isinstance(order, Order)
        with live.reading() as books:
            now = books.find(order.id)
        assert isinstance(now, Order)
        states = frozenset(reservation.state for reservation in now.reservations)
        assert (now.status, states) in {
            (Status.PAID, frozenset({Hold.COMMITTED})),
            (Status.CANCELLED, frozenset({Hold.EXPIRED})),
        }
    for _, sku in (one, other):
        assert_sums(sku, on_hand=20, reserved=20)


def pay(order_id: str) -> None:
    """Pay, trying again when the database asks for it; that the goods went to others in the meantime is fine."""
    with suppress(Refused):
        while True:
            try:
                with live.books() as books:
                    fulfilment.pay(order_id, CASH, by=STAFF, now=utcnow(), books=books)
                    return
            except Unavailable:
                continue


def test_an_expired_reservation_is_released_exactly_once(crowd: ThreadPoolExecutor) -> None:
    one, other = on_the_shelf(3), on_the_shelf(3)
    for _ in range(3):
        assert isinstance(decide(submission(one, other)), Order)
    with live.books() as books:
        books.tx.run(AGE, skus=[one[1], other[1]])
    wanted = [submission(one) for _ in range(10)] + [submission(other) for _ in range(10)]
    sweeps = [crowd.submit(expiry.sweep, books=live.books) for _ in range(4)]
    assert all_at_once(crowd, decide, wanted) == {"Order": 6, "Rejection": 14}
    assert all(swept.exception() is None for swept in sweeps)
    for _, sku in (one, other):
        assert_sums(sku, on_hand=3, reserved=3)
        with live.reading() as books:
            assert books.tx.one(EXPIRED, sku=sku) == {"n": 3}
