"""Fresh goods, submissions and orders for tests to start from, whatever keeps them."""

from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from chalicelib.order import placing, quotes
from chalicelib.order.model.address import Address
from chalicelib.order.model.order import Order
from chalicelib.order.model.pricing import Wish
from chalicelib.order.model.product import Product, SoldSku
from chalicelib.order.model.quote import Contact, Quote
from chalicelib.order.model.stock import Movement, Spot, Why
from chalicelib.order.model.submission import Submission, SubmittedLine
from chalicelib.order.model.tax import TaxRates
from souk.clock import utcnow
from souk.ids import id_of, new_id
from souk.money import Money

HOME = Address(recipient="Ada", street="1 Mill Lane", city="Reno", postal_code="89501", region="NV", country="US")
PRICE = Money(1_000, "USD")
LONG_AGO = timedelta(days=1)


def product(version: int = 1, **change: Any) -> Product:
    """Return a product of one SKU that is sold."""
    sku = SoldSku(
        sku=f"sku-{new_id()}", title="500 g", prices={"default": PRICE, "net": PRICE}, attributes={"weight": 500}
    )
    known: dict[str, Any] = {"id": new_id(), "version": version, "sold": True, "title": "Tea", "skus": (sku,)}
    return Product(**(known | change))


def shelve(keeper: Any, units: int) -> Product:
    """Put a fresh product on the shelf."""
    known = product()
    keeper.replica.keep(known)
    spot = Spot(known.skus[0].sku)
    with keeper.open() as books:
        books.open_rows([spot])
        books.move([Movement(sku=spot.sku, on_hand=units, why=Why.RECEIVED)])
    return known


def quote(
    keeper: Any,
    *goods: Product,
    quantity: int = 1,
    market: str = "default",
    vouchers: tuple[str, ...] = (),
    remembered: dict[str, TaxRates] | None = None,
) -> Quote:
    """Return a quote of so many of each."""
    wish = quotes.QuoteWish(
        lines=tuple(Wish(one.skus[0].sku, quantity) for one in goods),
        contact=Contact(email="ada@example.com", name="Ada"),
        shipping_address=HOME,
        shipping_method="pickup",
        vouchers=vouchers,
        market=market,
    )
    with keeper.open() as books:
        return quotes.quote(wish, now=utcnow(), products=keeper.replica, quotes=books, remembered=remembered).quote


def submission(
    keeper: Any,
    *goods: Product,
    quantity: int = 1,
    market: str = "default",
    vouchers: tuple[str, ...] = (),
    **change: Any,
) -> Submission:
    """Return a fresh submission of so many of each, with a quote."""
    quoted = quote(keeper, *goods, quantity=quantity, market=market, vouchers=vouchers)
    cart = new_id()
    known: dict[str, Any] = {
        "order_id": id_of("order", cart, 1),
        "cart_id": cart,
        "attempt": 1,
        "market": market,
        "customer_id": None,
        "lines": tuple(
            SubmittedLine(sku=one.skus[0].sku, product_id=one.id, quantity=quantity, product_version=one.version)
            for one in goods
        ),
        "quote_id": quoted.id,
        "accepted_total": quoted.bill.totals.total,
        "submitted_at": utcnow(),
        "event_id": new_id(),
    }
    return Submission(**(known | change))


def place(keeper: Any, one: Submission) -> Any:
    """Decide on a submission."""
    return placing.place(one, products=keeper.replica, reading=keeper.open, books=keeper.open)


def order(keeper: Any, *goods: Product, quantity: int = 1, **change: Any) -> Order:
    """Place an order of so many of each."""
    placed = place(keeper, submission(keeper, *goods, quantity=quantity, **change))
    assert isinstance(placed, Order), placed
    return placed


def overdue(keeper: Any, placed: Order) -> None:
    """Let an order's reservations be a day old."""
    with keeper.open() as books:
        if hasattr(books, "tx"):
            aged = "UPDATE reservations SET held_until = now() - interval '1 day' WHERE order_id = %(id)s"
            books.tx.run(aged, id=placed.id)
            return
        known = books.orders[placed.id]
        past = tuple(replace(one, held_until=utcnow() - LONG_AGO) for one in known.reservations)
        books.orders[placed.id] = replace(known, reservations=past)


def renumber(keeper: Any, placed: Order, number: str) -> None:
    """Let an order have another number."""
    with keeper.open() as books:
        if hasattr(books, "tx"):
            books.tx.run("UPDATE orders SET number = %(number)s WHERE id = %(id)s", id=placed.id, number=number)
            return
        books.orders[placed.id] = replace(books.orders[placed.id], number=number)
