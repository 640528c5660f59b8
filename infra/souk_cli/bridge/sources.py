"""Which outboxes there are."""

from __future__ import annotations

import os

from souk_cli.bridge.carts import DirtyCarts
from souk_cli.bridge.documents import DocumentOutbox
from souk_cli.bridge.outbox import Source
from souk_cli.bridge.rows import RowOutbox
from souk_cli.connections import is_given
from souk_local.services import SQL_SERVICES


def known() -> tuple[Source, ...]:
    """Return those whose settings are there; a deployment may give a bridge fewer."""
    rows = [RowOutbox(one) for one in SQL_SERVICES if is_given(f"{one.upper()}_RELAY_DATABASE_URL", os.environ)]
    documents = [DocumentOutbox("product", "products")] if is_given("PRODUCT_MONGO_URL", os.environ) else []
    carts = [DirtyCarts()] if is_given("CART_REDIS_URL", os.environ) else []
    return (*rows, *documents, *carts)
