"""Telling others again what the catalog is now: for a replica that was lost, or a consumer added later."""

from datetime import UTC, datetime

from chalicelib.catalog import categories, live, product_types
from souk.clock import utcnow

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def resync(since: datetime | None) -> int:
    """Put what changed since then into the outbox again; return how many events that were."""
    now = utcnow()
    with live.catalog() as store:
        tree = store.tree_for_change()
        told = categories.told(store.changed_categories(since or BEGINNING), tree, now)
        told += [product_types.told(kind, now) for kind in store.changed_product_types(since or BEGINNING)]
        store.add_events(*told)
    return len(told)
