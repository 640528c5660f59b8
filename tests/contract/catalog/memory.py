"""The catalog service's keeper in memory: what unit tests use, held to the same contract as the one in PostgreSQL."""

from collections.abc import Iterable
from datetime import datetime

from contract.souk.keeping import MemoryTransactions
from msgspec.structs import replace

from chalicelib.catalog.model import Category, ProductType, State, Tree
from souk.errors import Refused
from souk.events import Event
from souk.paging import Page, page, unseal


class MemoryCategories(MemoryTransactions):
    """Categories by id, with the time of their last change; see `categories.Categories`."""

    def __init__(self) -> None:
        super().__init__()
        self._categories: dict[str, tuple[datetime, Category]] = {}

    def tree(self) -> Tree:
        return Tree([one for _, one in self._categories.values() if one.state is State.ACTIVE])

    def tree_for_change(self) -> Tree:
        return self.tree()

    def save_categories(self, categories: Iterable[Category], *events: Event, now: datetime) -> None:
        after = self._categories | {one.id: (now, one) for one in categories}
        names = [(one.parent_id, one.slug) for _, one in after.values() if one.state is State.ACTIVE]
        if len(names) > len(set(names)):
            raise Refused("a category of that name is there already", code="name-taken")
        self._categories = after
        self.add_events(*events)

    def changed_categories(self, since: datetime) -> list[Category]:
        found = [(at, one) for at, one in self._categories.values() if at >= since]
        return [one for _, one in sorted(found, key=lambda pair: pair[0])]


class MemoryProductTypes(MemoryTransactions):
    """Types by id, with the time of their last change; see `product_types.ProductTypes`."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[str, tuple[datetime, ProductType]] = {}

    def product_type(self, type_id: str) -> ProductType | None:
        _, found = self._kinds.get(type_id, (None, None))
        return found if found is not None and found.state is State.ACTIVE else None

    def product_type_for_change(self, type_id: str) -> ProductType | None:
        return self.product_type(type_id)

    def product_types(self, *, limit: int, cursor: str | None) -> Page[ProductType]:
        after = unseal(cursor, str)
        kinds = sorted((one for _, one in self._kinds.values() if one.state is State.ACTIVE), key=lambda one: one.code)
        return page(
            [one for one in kinds if after is None or one.code > after][: limit + 1], limit, lambda one: one.code
        )

    def save_product_type(self, kind: ProductType, *events: Event, now: datetime) -> None:
        _, known = self._kinds.get(kind.id, (None, kind))
        after = self._kinds | {kind.id: (now, replace(kind, code=known.code))}
        codes = [one.code for _, one in after.values() if one.state is State.ACTIVE]
        if len(codes) > len(set(codes)):
            raise Refused("a product type with that code is there already", code="name-taken")
        self._kinds = after
        self.add_events(*events)

    def changed_product_types(self, since: datetime) -> list[ProductType]:
        found = [(at, one) for at, one in self._kinds.values() if at >= since]
        return [one for _, one in sorted(found, key=lambda pair: pair[0])]


class MemoryCatalog(MemoryCategories, MemoryProductTypes):
    """Everything the catalog service keeps; see `imports.Store`. Nobody else is here to wait for."""
