"""Imports the drivers before they are first needed: they load late for the sake of cold starts, which a server has not."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module

DRIVERS = (
    "psycopg2.extras",
    "hiredis",
    "pymongo",
    "elasticsearch",
    "neo4j",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
)


def up(drivers: Sequence[str] = DRIVERS) -> None:
    """Import them on a thread of its own; one that this deployment lacks is nobody's concern here."""
    threading.Thread(target=_import, args=(drivers,), name="warm", daemon=True).start()


def _import(drivers: Sequence[str]) -> None:
    for name in drivers:
        with suppress(ImportError):
            import_module(name)
