"""What lies in the stores, as the checker reads it: its own shapes, none of the services'."""

from __future__ import annotations

from msgspec import Struct


class Cart(Struct, frozen=True, kw_only=True):
    """A cart as one store has it."""

    id: str
    version: int
    state: str
    attempt: int = 0
    lines: dict[str, int] = {}
    merged_into: str | None = None
    merged_from: tuple[str, ...] = ()
    compared: bool = True
    """Whether Redis had it compared with PostgreSQL since the last failover; if not, the newer of both is the cart."""


class Submission(Struct, frozen=True, kw_only=True):
    """What was submitted under an order id."""

    order_id: str
    cart_id: str
    attempt: int
    state: str
    lines: dict[str, int]
    total: int


class Decision(Struct, frozen=True, kw_only=True):
    """What was decided under an order id."""

    order_id: str
    cart_id: str
    attempt: int
    rejected: bool


class Order(Struct, frozen=True, kw_only=True):
    """An order's row; what it comes to, in minor units."""

    id: str
    number: str
    status: str
    cart_id: str
    attempt: int
    goods: int
    shipping: int
    tax: int
    total: int
    tax_included: bool
    snapshot_hash: str
    discount: int = 0


class Line(Struct, frozen=True, kw_only=True):
    """A line of an order."""

    order_id: str
    sku: str
    product_id: str
    quantity: int
    unit_price: int
    total: int
    tax: int
    discount: int = 0


class Reservation(Struct, frozen=True, kw_only=True):
    """Stock kept for an order."""

    order_id: str
    sku: str
    location: str
    quantity: int
    state: str


class Stock(Struct, frozen=True, kw_only=True):
    """A row of stock."""

    sku: str
    location: str
    on_hand: int
    reserved: int
    backorder: int

    @property
    def available(self) -> int:
        """How much can still be promised."""
        return self.on_hand + self.backorder - self.reserved


class Moved(Struct, frozen=True, kw_only=True):
    """An entry of the ledger."""

    sku: str
    location: str
    on_hand: int
    reserved: int
    why: str
    order_id: str | None = None
    quote_id: str | None = None
    note: str = ""


class Hold(Struct, frozen=True, kw_only=True):
    """Stock kept for a quote."""

    quote_id: str
    sku: str
    location: str
    quantity: int
    state: str


class Voucher(Struct, frozen=True, kw_only=True):
    """A voucher: how often it was used by its own count, and by the orders that hold a use or gave it back."""

    code: str
    usage_limit: int
    used: int
    held: int
    released: int


class Payment(Struct, frozen=True, kw_only=True):
    """Money that came in."""

    order_id: str
    reference: str
    amount: int


class Snapshot(Struct, frozen=True, kw_only=True):
    """What an order was priced from: the hashes that may stand for what is kept, and the lines it names."""

    order_id: str
    digests: frozenset[str]
    lines: dict[str, tuple[int, int]]
    """Quantity and unit price by SKU."""
