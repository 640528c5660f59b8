"""Neo4j behind the recommendations: which products were bought in the same order, and how often.

A pair has one relationship, from the lower id to the higher, found by its own key: a product that sells well has tens of
thousands of them to look through otherwise. Orders are counted once: their node is the claim.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import LiteralString

from chalicelib.product.recommendation import Basket
from souk.graph import Graph
from souk.ids import id_of

COUNT: LiteralString = """
    UNWIND $baskets AS basket
    MERGE (counted:Order {id: basket.id}) ON CREATE SET counted.fresh = true
    WITH counted, basket WHERE counted.fresh
    REMOVE counted.fresh
    WITH collect(basket) AS baskets
    CALL (baskets) {
        UNWIND baskets AS basket UNWIND basket.products AS id
        WITH id, count(*) AS orders ORDER BY id
        MERGE (product:Product {id: id})
        SET product.orders = coalesce(product.orders, 0) + orders
        RETURN count(*) AS counted_products
    }
    UNWIND baskets AS basket UNWIND basket.pairs AS pair
    WITH pair[0] AS low, pair[1] AS high, pair[2] AS key, count(*) AS times ORDER BY low, high
    MATCH (one:Product {id: low}) MATCH (other:Product {id: high})
    MERGE (one)-[together:BOUGHT_WITH {pair: key}]->(other)
    SET together.times = coalesce(together.times, 0) + times
"""
TOGETHER: LiteralString = """
    MATCH (:Product {id: $product})-[together:BOUGHT_WITH]-(other:Product)
    WITH other, sum(together.times) AS times
    WITH other.id AS id, times / sqrt(toFloat(other.orders)) AS likeness
    ORDER BY likeness DESC, id LIMIT $limit
    RETURN id
"""


class PurchaseGraph:
    """What was bought together, in Neo4j."""

    def __init__(self, graph: Graph) -> None:
        """Keep it in `graph`."""
        self._graph = graph

    def count(self, baskets: Sequence[Basket]) -> None:
        """Count baskets that were not counted before, all in one transaction, in the order of their keys."""
        told = [
            {
                "id": one.order_id,
                "products": one.products,
                "pairs": [[*pair, id_of("pair", *pair)] for pair in combinations(one.products, 2)],
            }
            for one in sorted({one.order_id: one for one in baskets}.values(), key=lambda one: one.order_id)
        ]
        self._graph.write((COUNT, {"baskets": told}))

    def together(self, product_id: str, limit: int) -> list[str]:
        """Return products bought together with this one, the most telling first.

        How often is weighed against how often the other is bought at all: what is in every basket says little.
        """
        return [row["id"] for row in self._graph.read(TOGETHER, product=product_id, limit=limit)]
