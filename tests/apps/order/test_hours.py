"""What the order service does by the clock."""

import pytest
from apps.order.shop import Shop
from chalice.test import Client

from chalicelib.order import live
from souk.http import Souk

pytestmark = pytest.mark.stores
AGE = "UPDATE reservations SET held_until = now() - interval '1 second' WHERE order_id = %(order)s"
OLD = "UPDATE quotes SET expires_at = now() - interval '8 days' WHERE id = %(quote)s"


def tick(app: Souk, view: str) -> None:
    with Client(app) as client:
        client.lambda_.invoke(view, client.events.generate_cw_event("aws.events", "Scheduled Event", {}, []))


def test_every_minute_what_was_not_paid_in_time_goes_back_to_stock(shop: Shop) -> None:
    product, sku = shop.sell(stock=1)
    order = shop.submit(shop.submission(product, sku))
    with live.database.reading() as tx:
        tx.run(AGE, order=order)
    tick(shop.doors.app, "expire_reservations")
    assert shop.doors("GET", f"/stock/{sku}", token=shop.staff).body["available"] == 1
    assert shop.doors("GET", f"/orders/{order}", token=shop.staff).body["status"] == "cancelled"


def test_every_hour_old_quotes_are_forgotten_with_the_personal_data_in_them(shop: Shop) -> None:
    _, sku = shop.sell()
    old, fresh = (shop.quote((sku, 1))["id"] for _ in range(2))
    with live.database.reading() as tx:
        tx.run(OLD, quote=old)
    tick(shop.doors.app, "sweep_order")
    with live.reading() as books:
        assert (books.quote(str(old)), books.quote(str(fresh)) is not None) == (None, True)
