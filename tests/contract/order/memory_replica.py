"""The order service's replica of the products in memory, held to the same contract as the real one."""

from collections.abc import Collection

from msgspec.structs import replace

from chalicelib.order.model.product import Product
from chalicelib.order.model.submission import Snapshot


class MemoryReplica:
    """Products and snapshots."""

    def __init__(self) -> None:
        self.products: dict[str, Product] = {}
        self.snapshots: dict[str, Snapshot] = {}

    def keep(self, product: Product) -> None:
        known = self.products.get(product.id)
        if known is None:
            self.products[product.id] = product
        elif known.version < product.version:
            fresh = product if product.sold else replace(known, version=product.version, sold=False)
            self.products[product.id] = fresh

    def with_skus(self, skus: Collection[str]) -> list[Product]:
        return [one for one in self.products.values() if any(sku.sku in skus for sku in one.skus)]

    def by_id(self, ids: Collection[str]) -> list[Product]:
        return [self.products[one] for one in ids if one in self.products]

    def snapshot(self, order_id: str) -> Snapshot | None:
        return self.snapshots.get(order_id)

    def keep_snapshot(self, snapshot: Snapshot) -> Snapshot:
        return self.snapshots.setdefault(snapshot.order_id, snapshot)
