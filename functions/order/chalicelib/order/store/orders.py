"""Orders in PostgreSQL: decided once, changed under lock, read in one round trip."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import datetime

import msgspec
from msgspec.structs import replace

from chalicelib.order.events import OrderPlaced
from chalicelib.order.model.listing import Filter, Place, Standing, Summary
from chalicelib.order.model.number import TRIES, Taken, number_of
from chalicelib.order.model.order import Order
from chalicelib.order.model.quote import Spent
from chalicelib.order.model.reservation import Lapsed
from chalicelib.order.model.stock import Discrepancy, Spot
from chalicelib.order.model.submission import Claim, Rejection, Submission
from chalicelib.order.store import sql
from souk import telemetry
from souk.errors import Missing, Unavailable
from souk.events import Event
from souk.ids import is_id
from souk.postgres import Row, Transaction, beginning, unique
from souk.records import add_events

LOG = telemetry.logger("order")
CONSUMER = "order-submissions"
SAME_REFERENCE = "payments_reference"
NUMBER = "orders_number"
ONE_ORDER = "orders_quote"
NOTHING = "00000000-0000-0000-0000-000000000000"  # comes before every id


class OrderRows:
    """Orders and the decisions on submissions, in one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self.tx = tx

    def claim(self, submission: Submission) -> Claim:
        """Claim the order id for ever, at the database's time, and the event that told of it."""
        row = self.tx.one(
            sql.CLAIM,
            order_id=submission.order_id,
            cart_id=submission.cart_id,
            attempt=submission.attempt,
            customer_id=submission.customer_id,
            consumer=CONSUMER,
            event_id=submission.event_id,
        )
        return msgspec.convert(row, Claim)

    def trial(self) -> AbstractContextManager[None]:
        """Undo what is done inside when it raises; the claim stays."""
        return self.tx.savepoint()

    def add_order(self, order: Order, *events: Event) -> None:
        """Keep a new order and its events, and commit. Raises Taken or Spent where another has its number or its quote."""
        with _one_of_each():
            self.tx.later(sql.ADD_ORDERS, orders=_encoded([order]))
            add_events(self.tx, *events)
            self._ring(order.id)
            self.tx.commit()

    def add_rejection(self, rejection: Rejection, *events: Event) -> None:
        """Keep the reasons for which a claimed submission is turned down."""
        reasons = msgspec.json.encode(rejection.reasons).decode()
        self.tx.later(sql.REJECT, order_id=rejection.order_id, reasons=reasons, quote_id=rejection.quote_id)
        add_events(self.tx, *events)
        self._ring(rejection.order_id)

    def expire(self, spots: Collection[Spot], *, quote_id: str | None = None) -> Lapsed:
        """Release what is kept of those locked rows and whose time is up, and cancel the orders among it.

        What is held for the quote is released too, whatever its time: its order is about to take it over. Raises
        Discrepancy where a constraint has it otherwise, of the row (it has less reserved than that) or of an order in it.
        """
        from psycopg2 import IntegrityError

        if not spots:
            return Lapsed()
        columns = {"skus": [spot.sku for spot in spots], "locations": [spot.location for spot in spots]}
        try:
            lapsed = msgspec.convert(self.tx.one(sql.EXPIRE, **columns, quote_id=quote_id), Lapsed)
        except IntegrityError as error:
            raise Discrepancy(spots) from error
        for order in lapsed.orders:
            self._ring(order.id)
        return lapsed

    def due(self, limit: int, *, leaving: Collection[Spot] = ()) -> list[Spot]:
        """Return the rows of stock, but for those to leave alone, of which something is kept whose time is up."""
        columns = {"skus": [spot.sku for spot in leaving], "locations": [spot.location for spot in leaving]}
        return [Spot(row["sku"], row["location"]) for row in self.tx.all(sql.DUE, limit=limit, **columns)]

    def get(self, order_id: str) -> Order:
        """Return an order for change: its rows of stock are locked first, in SKU order, then itself. Raises Missing.

        It has to be there before anything is locked: one that came between the locks and the reading would be read,
        and be under no lock.
        """
        if self.standing(order_id) is not None:
            self.tx.later(sql.LOCK_STOCK_OF_ORDER, id=order_id)
            self.tx.later(sql.LOCK_ORDER, id=order_id)
            found = self.find(order_id)
            if isinstance(found, Order):
                return found
        raise Missing("there is no such order")

    def save(self, order: Order, *events: Event) -> None:
        """Keep a changed order and its events. Raises Refused for a payment whose reference paid for another one."""
        with unique(SAME_REFERENCE, "a payment of that reference paid for another order", code="payment-spent"):
            self.tx.run(
                sql.SAVE,
                id=order.id,
                status=order.status,
                cause=order.cause,
                version=order.version,
                changed_at=order.changed_at,
                order=msgspec.json.encode(order).decode(),
            )
        add_events(self.tx, *events)
        self._ring(order.id)

    def _ring(self, order_id: str) -> None:
        """Tell those who wait for the order that it has changed."""
        self.tx.after(sql.RING, order_id=order_id)

    def find(self, order_id: str) -> Order | Rejection | None:
        """Return an order, the rejection that stands in its place, or None while nothing is decided."""
        row = self.tx.one(sql.READ, id=order_id) if is_id(order_id) else None
        if row is None:
            return None
        if row["rejection"] is not None:
            return msgspec.convert(row["rejection"], Rejection)
        return msgspec.convert(row["found"], Order)

    def standing(self, order_id: str) -> Standing | None:
        """Return at which version an order is, and whose; None while nothing is decided. By primary keys alone."""
        row = self.tx.one(sql.STANDING, id=order_id) if is_id(order_id) else None
        return None if row is None else Standing(**row)

    def recent(self, wanted: Filter, *, before: Place | None, limit: int) -> list[Summary]:
        """Return orders, newest first."""
        at, order_id = before or (None, None)
        begins = None if wanted.text is None else beginning(wanted.text)
        filters = {**msgspec.structs.asdict(wanted), "text": begins}
        return msgspec.convert(self.tx.all(sql.LIST, at=at, id=order_id, limit=limit, **filters), list[Summary])

    def add_past(self, orders: Sequence[Order]) -> set[str]:
        """Keep orders that were placed elsewhere and are over; return the ids of those that were not here before."""
        fresh = {row["order_id"] for row in self.tx.all(sql.CLAIM_PAST, orders=_encoded(orders))}
        self._add_numbered([order for order in orders if order.id in fresh])
        return fresh

    def _add_numbered(self, orders: Sequence[Order]) -> None:
        for nth in range(TRIES):
            numbered = [replace(order, number=number_of(order.id, nth)) for order in orders]
            with suppress(Taken), self.trial(), _one_of_each():
                self.tx.run(sql.ADD_ORDERS, orders=_encoded(numbered))
                return
        raise Unavailable("no number is free")

    def placed(self, *, since: datetime, after: Place | None, limit: int) -> list[tuple[Place, OrderPlaced | None]]:
        """Return what there is to say of orders placed since a moment, oldest first, and where each stands.

        Nothing of one that cannot be read: the log names it.
        """
        at, order_id = after or (since, NOTHING)
        rows = self.tx.all(sql.PLACED, since=since, at=at, id=order_id, limit=limit)
        return [((row["placed_at"], row["order_id"]), _told(row)) for row in rows]


def _told(row: Row) -> OrderPlaced | None:
    try:
        return msgspec.convert(row, OrderPlaced)
    except msgspec.ValidationError as error:
        LOG.error("an order cannot be read", extra={"order": row["order_id"], "why": str(error)})  # noqa: TRY400 - said once
        return None


@contextmanager
def _one_of_each() -> Iterator[None]:
    """Raise Spent or Taken where another order has the quote or the number of one that is kept in here."""
    with (
        unique(ONE_ORDER, "an order was placed with the quote before", code=Spent.code, kind=Spent),
        unique(NUMBER, "another order has that number", code=Taken.code, kind=Taken),
    ):
        yield


def _encoded(orders: Sequence[Order]) -> str:
    return msgspec.json.encode(orders).decode()
