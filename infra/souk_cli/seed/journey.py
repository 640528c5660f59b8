"""The Complete Journey: a year of real grocery shopping, read from the parquet files of its package as the shop sees it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import duckdb
from msgspec import Struct

LARGEST = 999  # pieces in one line of a cart; a few rows hold grams or litres in the quantity


class Size(Struct, frozen=True):
    """How much of it to take; None takes everything."""

    products: int | None
    households: int | None
    baskets: int | None


SIZES: Mapping[str, Size] = {"sample": Size(2_000, 100, 2_000), "full": Size(None, None, None)}


class Product(Struct, frozen=True, kw_only=True):
    """A row of the product table; `price` is in minor units, None for what was never sold at a price."""

    id: int
    title: str
    brand: str
    manufacturer: int
    path: tuple[str, ...]
    package_size: str
    price: int | None
    sold: int


class Line(Struct, frozen=True):
    """So many pieces of a product."""

    product: int
    quantity: int


class Basket(Struct, frozen=True, kw_only=True):
    """What a household bought at one time."""

    id: int
    household: int
    at: datetime
    lines: tuple[Line, ...]


# The best sellers first, so that a sample is the beginning of the whole.
PRODUCTS = """
    CREATE TEMP TABLE chosen AS
    WITH sales AS (
        SELECT product_id, count(*) AS sold, median(sales_value / quantity) AS price
          FROM read_parquet($transactions) WHERE quantity > 0 AND sales_value > 0 GROUP BY product_id
    )
    SELECT p.*, coalesce(sold, 0) AS sold, CAST(round(price * 100) AS BIGINT) AS minor
      FROM read_parquet($products) p LEFT JOIN sales USING (product_id)
     ORDER BY sold DESC, product_id LIMIT $most
"""
# The households that shop most often; their baskets in the order of time, with what of them was chosen.
BASKETS = """
    CREATE TEMP TABLE lines AS
    WITH households AS (
        SELECT household_id FROM read_parquet($transactions)
         GROUP BY household_id ORDER BY count(DISTINCT basket_id) DESC, household_id LIMIT $most
    )
    SELECT basket_id, any_value(household_id) AS household_id, min(transaction_timestamp) AS seen, product_id,
           least(sum(quantity), $largest) AS quantity
      FROM read_parquet($transactions) JOIN households USING (household_id) JOIN chosen USING (product_id)
     WHERE quantity > 0 AND sales_value > 0 AND minor > 0
     GROUP BY basket_id, product_id
"""
LIST_PRODUCTS = """
    SELECT product_id, product_type, package_size, brand, manufacturer_id, department, product_category, minor, sold
      FROM chosen ORDER BY sold DESC, product_id
"""
LIST_HOUSEHOLDS = "SELECT DISTINCT household_id FROM lines ORDER BY household_id"
LIST_BASKETS = """
    SELECT basket_id, any_value(household_id), min(seen) AS began,
           list(struct_pack(product := product_id, quantity := quantity) ORDER BY product_id)
      FROM lines GROUP BY basket_id ORDER BY began, basket_id LIMIT $most
"""
EVERYTHING = 1 << 40


class Journey:
    """The chosen part of the data."""

    def __init__(self, folder: Path, size: Size) -> None:
        """Read what `size` asks for from the package's folder of parquet files; takes seconds."""
        transactions, products = str(folder / "transactions.parquet"), str(folder / "products.parquet")
        self._size = size
        self._tables = duckdb.connect()
        self._tables.execute("SET threads = 2")
        chosen = {"transactions": transactions, "products": products, "most": size.products or EVERYTHING}
        self._tables.execute(PRODUCTS, chosen)
        lines = {"transactions": transactions, "most": size.households or EVERYTHING, "largest": LARGEST}
        self._tables.execute(BASKETS, lines)

    def products(self) -> list[Product]:
        """Return the products, best sellers first."""
        return [_product(row) for row in self._tables.execute(LIST_PRODUCTS).fetchall()]

    def households(self) -> list[int]:
        """Return the households that bought something of it."""
        return [row[0] for row in self._tables.execute(LIST_HOUSEHOLDS).fetchall()]

    def baskets(self) -> Iterator[Basket]:
        """Give the baskets in the order of time."""
        found = self._tables.execute(LIST_BASKETS, {"most": self._size.baskets or EVERYTHING})
        while rows := found.fetchmany(2_000):
            yield from (_basket(row) for row in rows)

    def count_baskets(self) -> int:
        """Return how many baskets there are."""
        row = self._tables.execute("SELECT count(DISTINCT basket_id) FROM lines").fetchone()
        return min(int(row[0]) if row else 0, self._size.baskets or EVERYTHING)


def _product(row: tuple[object, ...]) -> Product:
    number, kind, size, brand, maker, department, category, minor, sold = row
    path = tuple(_title(part) for part in (department, category, kind) if part)
    return Product(
        id=int(str(number)),
        title=" ".join(part for part in (_title(kind or category or department), _title(size)) if part),
        brand=_title(brand),
        manufacturer=int(str(maker)),
        path=path,
        package_size=_title(size),
        price=int(str(minor)) if minor and int(str(minor)) > 0 else None,
        sold=int(str(sold)),
    )


def _title(text: object) -> str:
    return " ".join(word.capitalize() for word in str(text or "").split())


def _basket(row: tuple[object, ...]) -> Basket:
    number, household, began, lines = row
    assert isinstance(began, datetime)  # noqa: S101 - the column is a timestamp
    assert isinstance(lines, list)  # noqa: S101
    return Basket(
        id=int(str(number)),
        household=int(str(household)),
        at=began.replace(tzinfo=UTC),
        lines=tuple(Line(int(one["product"]), int(one["quantity"])) for one in lines),
    )
