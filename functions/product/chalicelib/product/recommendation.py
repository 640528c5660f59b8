"""Recommending: what was bought together with a product, else what sells best in its category.

One round trip to the graph and one to MongoDB; where the graph knows too little, one to the search engine, which keeps
the best sellers in order.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from chalicelib.product.listing import listed
from chalicelib.product.model import ALL, Product
from chalicelib.product.storefront import Sort, Storefront, Wanted
from souk.errors import Missing, Unavailable

MOST_PAIRED = 40  # products of one order: its pairs grow with the square
SPARE = 2  # so many times more are asked for than wanted, as some are not on sale any more


class Basket(Struct, frozen=True, kw_only=True):
    """The different products of one order, sorted by id."""

    order_id: str
    products: list[str]

    @classmethod
    def of(cls, order_id: str, products: Sequence[str]) -> "Basket":
        """Return the basket of an order; of a very large one, a part."""
        return cls(order_id=order_id, products=sorted(set(products))[:MOST_PAIRED])


class Purchases(Protocol):
    """Knows what was bought together. Raises Unavailable."""

    def count(self, baskets: Sequence[Basket]) -> None:
        """Count baskets that were not counted before."""
        ...

    def together(self, product_id: str, limit: int) -> list[str]:
        """Return products bought together with this one, the most telling first."""
        ...


class Shop(Storefront, Protocol):
    """A storefront that can show several products at once."""

    def show_all(self, product_ids: Sequence[str]) -> list[Product]:
        """Return those of the products that are published, in any order."""
        ...


class Recommended(Struct, frozen=True, kw_only=True):
    """Products to recommend: first so many bought together, then best sellers; `degraded` where a store was down."""

    products: list[Product]
    together: int
    degraded: bool


def recommended(product_id: str, limit: int, *, purchases: Purchases, shop: Shop, index: Storefront) -> Recommended:
    """Return what to recommend to somebody who looks at a product. Raises Missing, Unavailable."""
    degraded = False
    try:
        ids = purchases.together(product_id, limit * SPARE)
    except Unavailable:
        ids, degraded = [], True
    shown = {one.id: one for one in shop.show_all([product_id, *ids])}
    if (seen := shown.pop(product_id, None)) is None:
        raise Missing("there is no such product on sale")
    together = [shown[one] for one in ids if one in shown][:limit]
    if len(together) == limit:
        return Recommended(products=together, together=limit, degraded=degraded)
    more, elsewhere = _best_sellers(seen, {product_id, *ids}, limit - len(together), shop=shop, index=index)
    return Recommended(products=together + more, together=len(together), degraded=degraded or elsewhere)


def _best_sellers(
    seen: Product, known: set[str], limit: int, *, shop: Shop, index: Storefront
) -> tuple[list[Product], bool]:
    category = seen.details.category_id if len(seen.shelves) > 1 else None
    wanted = Wanted(category=category or ALL, sort=Sort.BESTSELLING, limit=limit + len(known))
    found, degraded = listed(wanted, index=index, documents=shop)
    return [row.product for row in found.rows if row.product.id not in known][:limit], degraded
