"""The category tree and the types of products in PostgreSQL."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from chalicelib.catalog.model import Category, ProductType, Tree
from souk import records
from souk.events import Event
from souk.paging import Page, page, unseal
from souk.postgres import Row, Transaction, unique
from souk.records import KeptAttempts

CATEGORY = "id, parent_id, name, slug, position, state, version"
KIND = "id, code, name, attributes, state, version"

TREE = f"SELECT {CATEGORY} FROM categories WHERE state = 'active'"  # noqa: S608 - the columns are a constant
ONE_CHANGE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('categories'))"
SAVE_CATEGORIES = """
    INSERT INTO categories (id, parent_id, name, slug, position, state, version, changed_at)
    SELECT *, %(now)s
      FROM unnest(%(id)s::uuid[], %(parent_id)s::uuid[], %(name)s::text[], %(slug)s::text[], %(position)s::int[],
                  %(state)s::text[], %(version)s::int[])
    ON CONFLICT (id) DO UPDATE
       SET parent_id = excluded.parent_id, name = excluded.name, slug = excluded.slug, position = excluded.position,
           state = excluded.state, version = excluded.version, changed_at = excluded.changed_at
"""
CHANGED_CATEGORIES = f"SELECT {CATEGORY} FROM categories WHERE changed_at >= %(since)s ORDER BY changed_at"  # noqa: S608
FIND_KIND = f"SELECT {KIND} FROM product_types WHERE id = %(id)s AND state = 'active'"  # noqa: S608
LOCK_KIND = f"{FIND_KIND} FOR UPDATE"
LIST_KINDS = f"""
    SELECT {KIND} FROM product_types
     WHERE state = 'active' AND (%(after)s::text IS NULL OR code > %(after)s) ORDER BY code LIMIT %(limit)s
"""  # noqa: S608
SAVE_KIND = """
    INSERT INTO product_types (id, code, name, attributes, state, version, changed_at)
    VALUES (%(id)s, %(code)s, %(name)s, %(attributes)s, %(state)s, %(version)s, %(now)s)
    ON CONFLICT (id) DO UPDATE
       SET name = excluded.name, attributes = excluded.attributes, state = excluded.state, version = excluded.version,
           changed_at = excluded.changed_at
"""
CHANGED_KINDS = f"SELECT {KIND} FROM product_types WHERE changed_at >= %(since)s ORDER BY changed_at"  # noqa: S608


class KeptCatalog:
    """Everything the catalog service keeps, within one transaction."""

    def __init__(self, tx: Transaction) -> None:
        """Work in `tx`."""
        self._tx = tx
        self.attempts = KeptAttempts(tx)

    def tree(self) -> Tree:
        """Return the tree as it is."""
        return Tree([_category(row) for row in self._tx.all(TREE)])

    def tree_for_change(self) -> Tree:
        """Return the tree, which nobody else changes until the transaction ends."""
        self._tx.run(ONE_CHANGE_AT_A_TIME)
        return self.tree()

    def save_categories(self, categories: Iterable[Category], *events: Event, now: datetime) -> None:
        """Keep new or changed categories in one statement, and put events in the outbox."""
        rows = [msgspec.structs.asdict(one) for one in categories]
        columns = {name: [row[name] for row in rows] for name in Category.__struct_fields__}
        with unique("categories_slug", "a category of that name is there already", code="name-taken"):
            self._tx.run(SAVE_CATEGORIES, **columns, now=now)
        records.add_events(self._tx, *events)

    def changed_categories(self, since: datetime) -> list[Category]:
        """Return the categories changed since then, removed ones too."""
        return [_category(row) for row in self._tx.all(CHANGED_CATEGORIES, since=since)]

    def product_type(self, type_id: str) -> ProductType | None:
        """Return a type."""
        row = self._tx.one(FIND_KIND, id=type_id)
        return None if row is None else msgspec.convert(row, ProductType)

    def product_type_for_change(self, type_id: str) -> ProductType | None:
        """Return a type, locked until the transaction ends."""
        row = self._tx.one(LOCK_KIND, id=type_id)
        return None if row is None else msgspec.convert(row, ProductType)

    def product_types(self, *, limit: int, cursor: str | None) -> Page[ProductType]:
        """Return a page of types, by code."""
        rows = self._tx.all(LIST_KINDS, after=unseal(cursor, str), limit=limit + 1)
        return page([msgspec.convert(row, ProductType) for row in rows], limit, lambda one: one.code)

    def save_product_type(self, kind: ProductType, *events: Event, now: datetime) -> None:
        """Keep a new or changed type, and put events in the outbox."""
        from psycopg2.extras import Json

        row = {**msgspec.structs.asdict(kind), "attributes": Json(msgspec.to_builtins(kind.attributes))}
        with unique("product_types_code", "a product type with that code is there already", code="name-taken"):
            self._tx.run(SAVE_KIND, **row, now=now)
        records.add_events(self._tx, *events)

    def changed_product_types(self, since: datetime) -> list[ProductType]:
        """Return the types changed since then, removed ones too."""
        return [msgspec.convert(row, ProductType) for row in self._tx.all(CHANGED_KINDS, since=since)]

    def add_events(self, *events: Event) -> None:
        """Put events in the outbox."""
        records.add_events(self._tx, *events)


def _category(row: Row) -> Category:
    return msgspec.convert(row, Category)
