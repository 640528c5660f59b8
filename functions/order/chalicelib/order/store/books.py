"""The shop's books: quotes, stock, vouchers and orders in one transaction of PostgreSQL."""

from datetime import datetime

from chalicelib.order.store.holds import HoldRows
from chalicelib.order.store.locations import SiteRows
from chalicelib.order.store.orders import OrderRows
from chalicelib.order.store.quotes import QuoteRows
from chalicelib.order.store.stock import StockRows
from chalicelib.order.store.terms import TermRows
from chalicelib.order.store.vouchers import VoucherRows
from souk.postgres import Transaction
from souk.records import KeptAttempts

NOW = "SELECT now() AS now"


class Books(StockRows, SiteRows, HoldRows, TermRows, VoucherRows, QuoteRows, OrderRows):
    """Everything that is decided together, and the answers that are kept beside it."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        super().__init__(tx)
        self.attempts = KeptAttempts(tx)

    def now(self) -> datetime:
        """Return the database's time: when this transaction began."""
        (row,) = self.tx.all(NOW)
        moment: datetime = row["now"]
        return moment
