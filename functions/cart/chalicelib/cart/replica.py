"""The cart service's replica of products and stock: what it shows lines with, fed by events alone."""

import threading
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from chalicelib.cart.events import ProductPublished, ProductUnpublished, StockChanged
from chalicelib.cart.views import Shelved
from souk.money import Money
from souk.plans import Planned
from souk.postgres import Database, Transaction

SHELVED = Planned("""
    WITH wanted AS (
         SELECT %(skus)s::text[] || coalesce((SELECT skus FROM carts WHERE id = %(beside)s), '{}') AS skus)
    SELECT DISTINCT ON (sku) sku, product_id::text, skus.version, published, title, product_title, slug, image,
           attributes, prices, available, ready, expected_on, released_on
      FROM skus
      LEFT JOIN (
           SELECT sku, sum(available)::bigint AS available, sum(ready)::bigint AS ready,
                  min(expected_on) FILTER (WHERE expected_on > current_date) AS expected_on,
                  max(released_on) FILTER (WHERE released_on > current_date) AS released_on
             FROM stock WHERE sku = ANY((SELECT skus FROM wanted)::text[]) GROUP BY sku) stock USING (sku)
     WHERE sku = ANY((SELECT skus FROM wanted)::text[])
     ORDER BY sku, published DESC, skus.version DESC
""")
# Of two events about a product the one with the older version changes nothing; the row outlives the product.
NEWER_PRODUCT = """
    INSERT INTO products AS kept (id, version, state) VALUES (%(id)s, %(version)s, %(state)s)
    ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state
     WHERE kept.version < excluded.version
"""
WITHDRAW = "UPDATE skus SET published = false, version = %(version)s WHERE product_id = %(id)s"
SELL = """
    INSERT INTO skus (sku, product_id, version, published, title, product_title, slug, image, attributes, prices)
    SELECT sku, %(id)s, %(version)s, true, title, %(product_title)s, %(slug)s, %(image)s, attributes, prices
      FROM unnest(%(skus)s::text[], %(titles)s::text[], %(attributes)s::text[], %(prices)s::text[])
        AS sold (sku, title, attributes, prices)
    ON CONFLICT (sku, product_id) DO UPDATE
       SET version = excluded.version, published = true, title = excluded.title, slug = excluded.slug,
           product_title = excluded.product_title, image = excluded.image, attributes = excluded.attributes,
           prices = excluded.prices
"""
NEWER_STOCK = Planned("""
    INSERT INTO stock AS kept (sku, location, version, available, ready, expected_on, released_on)
    SELECT *
      FROM jsonb_to_recordset(%(levels)s::jsonb) AS given (
           sku text, location text, version bigint, available bigint, ready bigint, expected_on date, released_on date)
     ORDER BY sku, location
    ON CONFLICT (sku, location) DO UPDATE
       SET version = excluded.version, available = excluded.available, ready = excluded.ready,
           expected_on = excluded.expected_on, released_on = excluded.released_on
     WHERE kept.version < excluded.version
""")
CARTS, LINES = 1_000, 50  # of so many carts it is remembered which SKUs were shown last, and of each so many


class Lately:
    """Which SKUs this process showed last of carts, as PostgreSQL hears of their lines a little later; safe among threads.

    It only says what to read as well: who knows nothing of a cart asks once more, as does another process.
    """

    def __init__(self) -> None:
        """Know nothing."""
        self._guard = threading.Lock()
        self._carts: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def of(self, cart_id: str) -> tuple[str, ...]:
        """Return the SKUs of a cart."""
        return self._carts.get(cart_id, ())

    def note(self, cart_id: str, skus: Collection[str]) -> None:
        """Remember the SKUs of a cart, and forget the cart that was shown longest ago."""
        with self._guard:
            self._carts[cart_id] = tuple(skus)[:LINES]
            self._carts.move_to_end(cart_id)
            if len(self._carts) > CARTS:
                self._carts.popitem(last=False)


class Replica:
    """Products and stock in PostgreSQL; see `carts.Shelf`."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database
        self._lately = Lately()

    def shelved(self, skus: Collection[str], beside: str | None = None) -> Mapping[str, Shelved]:
        """Return what is known of these SKUs, by SKU; and of those that a cart held when it was last kept or shown here."""
        also = self._lately.of(beside) if beside else ()
        with self._database.reading() as session:
            rows = session.all(SHELVED, skus=[*skus, *also], beside=beside)
        known = {row["sku"]: _shelved(row) for row in rows}
        if beside:
            self._lately.note(beside, known)
        return known

    def keep(self, product: ProductPublished | ProductUnpublished, version: int) -> None:
        """Take over a product as it is sold, or that it is not; SKUs it no longer has are not sold any more."""
        sold = _sold(product) if isinstance(product, ProductPublished) else None
        with self._database.transaction() as tx:
            if _newer(tx, product.product_id, version, "published" if sold else "withdrawn"):
                tx.run(WITHDRAW, id=product.product_id, version=version)
                if sold:
                    tx.run(SELL, **sold, id=product.product_id, version=version)

    def restock(self, levels: Sequence[tuple[StockChanged, int]]) -> None:
        """Take over how many of SKUs can be sold at locations, as of these versions; in one round trip."""
        newest = {
            (level.sku, level.location): _row(level, version) for level, version in sorted(levels, key=itemgetter(1))
        }
        with self._database.reading() as session:
            session.run(NEWER_STOCK, levels=msgspec.json.encode(list(newest.values())).decode())


def _row(level: StockChanged, version: int) -> dict[str, Any]:
    ready = level.available if level.ready is None else level.ready
    return {**msgspec.structs.asdict(level), "ready": ready, "version": version}


def _newer(tx: Transaction, product_id: str, version: int, state: str) -> bool:
    return tx.run(NEWER_PRODUCT, id=product_id, version=version, state=state) == 1


def _sold(product: ProductPublished) -> dict[str, Any]:
    return {
        "product_title": product.title,
        "slug": product.slug,
        "image": product.image,
        "skus": [sku.sku for sku in product.skus],
        "titles": [sku.title for sku in product.skus],
        "attributes": [msgspec.json.encode(sku.attributes).decode() for sku in product.skus],
        "prices": [msgspec.json.encode(sku.prices).decode() for sku in product.skus],
    }


def _shelved(row: Mapping[str, Any]) -> Shelved:
    read = {
        "attributes": msgspec.json.decode(row["attributes"], type=dict[str, object]),
        "prices": msgspec.json.decode(row["prices"], type=dict[str, Money]),
    }
    return Shelved(**{**row, **read})
