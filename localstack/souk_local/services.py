"""The six services: which stores each has, and which of them sign tokens."""

from __future__ import annotations

from collections.abc import Mapping

STORES: Mapping[str, tuple[str, ...]] = {
    "admin": ("postgres",),
    "customer": ("postgres",),
    "catalog": ("postgres",),
    "product": ("mongo", "search", "graph"),
    "cart": ("postgres", "redis"),
    "order": ("postgres", "mongo"),
}
SERVICES = tuple(STORES)
SQL_SERVICES = tuple(service for service, stores in STORES.items() if "postgres" in stores)
MONGO_SERVICES = tuple(service for service, stores in STORES.items() if "mongo" in stores)
SIGNERS = ("admin", "customer", "cart")
