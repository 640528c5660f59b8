"""How often a quote and an order ask their stores, however many lines there are: counted where it happens."""

from collections import Counter
from collections.abc import Iterator

import pytest
from contract.order import goods
from contract.order.conftest import Keeper
from contract.order.test_terms import voucher
from pymongo import monitoring

from chalicelib.order import live, placing
from chalicelib.order.model.order import Order
from chalicelib.order.model.tax import TaxRates
from chalicelib.order.store.products import Replica
from souk.mongo import Mongo
from souk.postgres import Transaction

pytestmark = pytest.mark.stores
TRIPS: Counter[str] = Counter()


class Listener(monitoring.CommandListener):
    """Counts what a client of MongoDB sends."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        TRIPS["mongo"] += event.command_name in {"find", "findAndModify", "insert", "update", "aggregate", "getMore"}

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Count nothing."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Count nothing."""


monitoring.register(Listener())


@pytest.fixture
def counted(stores: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Keeper]:
    """The real stores; what is sent to PostgreSQL together is one round trip."""
    send = Transaction._send

    def sending(self: Transaction, statement: bytes) -> None:
        TRIPS["postgres"] += 1
        send(self, statement)

    monkeypatch.setattr(Transaction, "_send", sending)
    TRIPS.clear()
    yield Keeper(live.reading, Replica(Mongo("order")))  # a client that is made now is listened to
    TRIPS.clear()


@pytest.mark.parametrize("lines", [1, 12])
def test_a_quote_asks_each_store_once(counted: Keeper, lines: int) -> None:
    shelf = [goods.shelve(counted, 9) for _ in range(lines)]
    remembered: dict[str, TaxRates] = {}
    goods.quote(counted, *shelf, remembered=remembered)
    TRIPS.clear()
    goods.quote(counted, *shelf, remembered=remembered)
    assert TRIPS == {"mongo": 1, "postgres": 1}


def test_a_quote_with_vouchers_and_the_first_of_a_country_ask_once_more(counted: Keeper) -> None:
    tea, remembered = goods.shelve(counted, 9), dict[str, TaxRates]()
    code = voucher(counted).code
    for codes in ((), (code,)):
        TRIPS.clear()
        goods.quote(counted, tea, remembered=remembered, vouchers=codes)
        assert TRIPS == {"mongo": 1, "postgres": 2}


@pytest.mark.parametrize(("lines", "vouchers", "trips"), [(1, 0, 5), (12, 0, 5), (1, 1, 6), (12, 3, 6)])
def test_an_order_asks_as_often_for_many_lines_and_vouchers_as_for_one(
    counted: Keeper, lines: int, vouchers: int, trips: int
) -> None:
    shelf = [goods.shelve(counted, 9) for _ in range(lines)]
    codes = tuple(voucher(counted).code for _ in range(vouchers))
    one = goods.submission(counted, *shelf, vouchers=codes)
    TRIPS.clear()
    placed = placing.place(one, products=counted.replica, reading=live.reading, books=live.books)
    assert isinstance(placed, Order)
    assert (TRIPS["mongo"], TRIPS["postgres"]) == (2, trips)
