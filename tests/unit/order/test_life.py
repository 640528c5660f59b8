"""Whatever happens to orders, in whatever order: no stock is sold twice, and the ledger sums to what is there."""

from collections import Counter
from collections.abc import Callable

from contract.order import goods
from contract.order.conftest import Keeper, in_memory
from contract.order.memory import MemoryBooks
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from chalicelib.order import expiry, fulfilment, holds, management, vouchers
from chalicelib.order.fulfilment import PaymentWish, ShipmentWish
from chalicelib.order.holds import Bounds
from chalicelib.order.model.hold import Fate
from chalicelib.order.model.order import MOVES, Order, Parcel, Status
from chalicelib.order.model.product import Product
from chalicelib.order.model.reservation import KEEPING
from chalicelib.order.model.stock import Movement, Site, Spot, Why
from chalicelib.order.vouchers import NewVoucher
from souk.audit import Origin
from souk.auth import Caller, Kind
from souk.clock import utcnow
from souk.errors import SoukError

STAFF = Origin(Caller(kind=Kind.STAFF, subject="staff", permissions=frozenset({"orders:write"})))


CODE = "SOME-OFF"


class Shop(RuleBasedStateMachine):
    """A shop of two products in which everything happens at once."""

    orders: Bundle[str] = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.keeper: Keeper = in_memory()
        self.products: list[Product] = []
        self.statuses: dict[str, Status] = {}

    @initialize()
    def stocked(self) -> None:
        self.products = [goods.shelve(self.keeper, units) for units in (3, 5)]
        with self.keeper.open() as books:
            books.add_site(Site(code="loft", name="Loft", rank=1, version=1, changed_at=utcnow()))
            spots = [Spot(one.skus[0].sku, "loft") for one in self.products]
            books.open_rows(spots)
            books.move([Movement(sku=one.sku, location="loft", on_hand=2, why=Why.RECEIVED) for one in spots])
        new = NewVoucher(code=CODE, off=1_234, usage_limit=2)
        vouchers.create(new, by=STAFF, now=utcnow(), vouchers=self.books)

    @property
    def books(self) -> MemoryBooks:
        with self.keeper.open() as books:
            assert isinstance(books, MemoryBooks)
            return books

    def attempt(self, change: Callable[[MemoryBooks], object]) -> None:
        try:
            with self.keeper.open() as books:
                change(books)  # type: ignore[arg-type]  # in memory here
        except SoukError:
            return

    @rule(target=orders, quantity=st.integers(1, 3), both=st.booleans(), off=st.booleans())
    def submit(self, quantity: int, both: bool, off: bool) -> str:  # noqa: FBT001 - hypothesis passes it
        wanted = self.products if both else self.products[:1]
        codes = (CODE,) if off and not self.books.voucher(CODE).is_used_up else ()
        submission = goods.submission(self.keeper, *wanted, quantity=quantity, vouchers=codes)
        goods.place(self.keeper, submission)
        return submission.order_id

    @rule(target=orders, quantity=st.integers(1, 3), late=st.booleans())
    def submit_what_was_held(self, quantity: int, late: bool) -> str:  # noqa: FBT001 - hypothesis passes it
        submission = goods.submission(self.keeper, *self.products, quantity=quantity)
        self.attempt(lambda books: holds.hold(submission.quote_id, holder="h", bounds=Bounds(), books=books))
        if late:
            past = utcnow() - goods.LONG_AGO
            self.books.holds = [replace(one, held_until=past) for one in self.books.holds]
        goods.place(self.keeper, submission)
        return submission.order_id

    @rule(order=orders)
    def hold_and_think_again(self, order: str) -> None:
        quote = goods.quote(self.keeper, *self.products)
        self.attempt(lambda books: holds.hold(quote.id, holder=order, bounds=Bounds(), books=books))
        self.attempt(lambda books: holds.give_back(quote.id, books=books))

    @rule(order=orders)
    def pay(self, order: str) -> None:
        paid = PaymentWish(method="cash")
        self.attempt(lambda books: fulfilment.pay(order, paid, by=STAFF, now=utcnow(), books=books))

    @rule(order=orders, part=st.booleans())
    def ship(self, order: str, part: bool) -> None:  # noqa: FBT001 - hypothesis passes it
        parcels = (Parcel(self.products[0].skus[0].sku, 1),) if part else None
        wish = ShipmentWish(carrier="DHL", parcels=parcels)
        self.attempt(lambda books: fulfilment.ship(order, wish, by=STAFF, now=utcnow(), books=books))

    @rule(order=orders)
    def deliver(self, order: str) -> None:
        found = self.books.find(order)
        for shipment in found.shipments if isinstance(found, Order) else ():
            self.hand_over(order, shipment.id)

    def hand_over(self, order: str, shipment: str) -> None:
        self.attempt(lambda books: fulfilment.deliver(order, shipment, by=STAFF, now=utcnow(), books=books))

    @rule(order=orders)
    def cancel(self, order: str) -> None:
        self.attempt(lambda books: management.cancel(order, by=STAFF, now=utcnow(), books=books))

    @rule(order=orders)
    def overdue(self, order: str) -> None:
        found = self.books.find(order)
        if isinstance(found, Order):
            goods.overdue(self.keeper, found)

    @rule()
    def sweep(self) -> None:
        expiry.sweep(books=self.keeper.open)

    @invariant()
    def ledger_sums(self) -> None:
        for spot, level in self.books.rows.items():
            entries = [entry for entry in self.books.ledger if entry.spot == spot]
            assert level.on_hand == sum(entry.on_hand for entry in entries)
            assert level.reserved == sum(entry.reserved for entry in entries)
            assert 0 <= level.reserved <= level.on_hand

    @invariant()
    def what_is_reserved_is_what_orders_wait_for(self) -> None:
        kept: dict[Spot, int] = {}
        for order in self.books.orders.values():
            for one in order.reservations:
                if one.state in KEEPING:
                    kept[one.spot] = kept.get(one.spot, 0) + one.unsent
        for held in self.books.holds:
            if held.state is Fate.HELD:
                kept[held.spot] = kept.get(held.spot, 0) + held.quantity
        assert {spot: level.reserved for spot, level in self.books.rows.items() if level.reserved} == kept

    @invariant()
    def what_was_shipped_left_some_location(self) -> None:
        for order in self.books.orders.values():
            sent = Counter[str]()
            for one in order.reservations:
                sent[one.sku] += one.shipped
            assert {line.sku: line.shipped for line in order.lines if line.shipped} == dict(+sent)

    @invariant()
    def statuses_move_as_the_table_says(self) -> None:
        for order in self.books.orders.values():
            before = self.statuses.get(order.id, Status.PLACED)
            revived = (before, order.status) == (Status.CANCELLED, Status.PAID)
            assert order.status is before or order.status in MOVES[before] or revived
            self.statuses[order.id] = order.status

    @invariant()
    def every_order_sums(self) -> None:
        for order in self.books.orders.values():
            off = sum(one.amount.amount for one in order.vouchers)
            assert off == sum(line.discount.amount for line in order.lines)
            assert order.totals.total.amount == sum(line.total.amount for line in order.lines) - off

    @invariant()
    def a_voucher_counts_the_orders_that_live(self) -> None:
        if self.products:
            living = [one for one in self.books.orders.values() if one.status is not Status.CANCELLED and one.vouchers]
            assert self.books.voucher(CODE).used == len(living) <= 2


TestShop = Shop.TestCase
TestShop.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
