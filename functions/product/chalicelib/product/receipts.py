"""What an order sold."""

from msgspec import Struct


class Sale(Struct, frozen=True, kw_only=True):
    """So many pieces of a SKU, in one order."""

    sku: str
    product_id: str
    quantity: int


class Receipt(Struct, frozen=True, kw_only=True):
    """What one order sold."""

    order_id: str
    sales: list[Sale]
