"""What the order service still does while one of its stores is down."""

import pytest
from apps.order.shop import Shop, wish
from doors import event

from chalicelib.order import live
from chalicelib.order.store.products import Replica
from souk.mongo import Mongo
from souk.postgres import Database

pytestmark = pytest.mark.stores
NOBODY_LISTENS = "127.0.0.1:1"


@pytest.fixture
def no_mongo(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_MONGO_URL", f"mongodb://{NOBODY_LISTENS}/souk_order")
    monkeypatch.setattr(live, "replica", Replica(Mongo("order")))


@pytest.fixture
def no_postgres(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDER_DATABASE_URL", f"postgresql://nobody:nothing@{NOBODY_LISTENS}/souk_order")
    monkeypatch.setattr(live, "database", Database("order"))


def test_without_mongodb_orders_are_read_and_changed_and_quotes_wait(
    shop: Shop, request: pytest.FixtureRequest
) -> None:
    product, sku = shop.sell()
    order, fact = shop.submit(shop.submission(product, sku)), shop.submission(product, sku)
    request.getfixturevalue("no_mongo")
    assert shop.doors("GET", f"/orders/{order}", token=shop.staff).status == 200
    assert shop.doors("POST", f"/orders/{order}/payments", {"method": "cash"}, token=shop.staff).status == 201
    refused = shop.doors("POST", "/quotes", wish((sku, 1)))
    assert (refused.status, refused.headers["Retry-After"]) == (503, "2")
    waiting = event(fact)
    answer = shop.doors.deliver("order-submissions", waiting)
    assert (answer["batchItemFailures"], answer["refused"]) == ([{"itemIdentifier": waiting.id}], [])


def test_without_postgresql_everything_is_told_to_come_back(shop: Shop, request: pytest.FixtureRequest) -> None:
    product, sku = shop.sell()
    fact = shop.submission(product, sku)
    request.getfixturevalue("no_postgres")
    for method, path, body in (
        ("GET", "/orders", None),
        ("GET", f"/stock/{sku}", None),
        ("POST", "/quotes", wish((sku, 1))),
        ("POST", f"/stock/{sku}/adjustments", {"change": 1, "reason": "received"}),
    ):
        reply = shop.doors(method, path, body, token=shop.staff)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "2")
    waiting = event(fact)
    answer = shop.doors.deliver("order-submissions", waiting)
    assert (answer["batchItemFailures"], answer["refused"]) == ([{"itemIdentifier": waiting.id}], [])
