"""Who sees which orders, finds them, and cancels them."""

import pytest
from apps.order.shop import Shop
from doors import Reply, customer, staff

from souk.ids import new_id

pytestmark = pytest.mark.stores


def ids(reply: Reply) -> list[str]:
    return [order["id"] for order in reply.body["items"]]


def test_a_customer_lists_and_reads_own_orders_only(shop: Shop) -> None:
    product, sku = shop.sell()
    me, somebody = new_id(), new_id()
    mine = shop.submit(shop.submission(product, sku, customer_id=me))
    theirs = shop.submit(shop.submission(product, sku, customer_id=somebody))
    assert ids(shop.doors("GET", "/orders", token=customer(me))) == [mine]
    assert ids(shop.doors("GET", f"/orders?customer={somebody}", token=customer(me))) == [mine]
    assert shop.doors("GET", f"/orders/{mine}", token=customer(me)).status == 200
    assert shop.doors("GET", f"/orders/{theirs}", token=customer(me)).status == 404


def test_staff_find_orders_by_status_customer_time_and_number(shop: Shop) -> None:
    product, sku = shop.sell()
    who = new_id()
    first, second = (shop.submit(shop.submission(product, sku, customer_id=who)) for _ in range(2))
    shop.doors("POST", f"/orders/{first}/cancellation", token=shop.staff)
    found = shop.doors("GET", f"/orders/{second}", token=shop.staff).body

    def listed(query: str) -> list[str]:
        return ids(shop.doors("GET", f"/orders?{query}", token=shop.staff))

    assert listed(f"customer={who}") == [second, first]
    assert listed(f"customer={who}&status=cancelled") == [first]
    assert listed(f"text={found['number']}") == listed(f"text={found['number'][2:].lower()}") == [second]
    typo = found["number"][:-1] + ("2" if found["number"][-1] != "2" else "3")
    assert shop.doors("GET", f"/orders?text={typo}", token=shop.staff).body["errors"][0]["pointer"] == "/text"
    assert listed(f"customer={who}&from=2020-01-01T00:00:00Z&to=2020-02-01T00:00:00Z") == []
    assert listed(f"customer={who}&from=2020-01-01T00:00:00Z") == [second, first]


def test_pages_neither_skip_nor_repeat(shop: Shop) -> None:
    product, sku = shop.sell()
    who = new_id()
    orders = [shop.submit(shop.submission(product, sku, customer_id=who)) for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    while True:
        reply = shop.doors("GET", f"/orders?limit=2{cursor}", token=customer(who))
        seen += ids(reply)
        if reply.body["next"] is None:
            break
        cursor = f"&cursor={reply.body['next']}"
    assert seen == orders[::-1]


def test_a_customer_cancels_an_own_order_and_stock_comes_back(shop: Shop) -> None:
    product, sku = shop.sell(stock=2)
    me = new_id()
    order = shop.submit(shop.submission(product, sku, 2, customer_id=me))
    assert shop.doors("POST", f"/orders/{order}/cancellation", token=customer()).status == 404
    cancelled = shop.doors("POST", f"/orders/{order}/cancellation", token=customer(me))
    assert (cancelled.status, cancelled.body["status"], cancelled.body["cancelled_by"]) == (
        200,
        "cancelled",
        "customer",
    )
    assert shop.doors("GET", f"/stock/{sku}", token=shop.staff).body["available"] == 2
    assert shop.doors("POST", f"/orders/{order}/cancellation", token=customer(me)).status == 409


def test_the_token_of_an_order_reads_it_and_does_no_more(shop: Shop) -> None:
    product, sku = shop.sell()
    order = shop.submit(shop.submission(product, sku))
    assert shop.doors("GET", f"/orders/{order}", token=shop.holder(order)).status == 200
    assert shop.doors("POST", f"/orders/{order}/cancellation", token=shop.holder(order)).status == 403
    assert shop.doors("GET", "/orders", token=shop.holder(order)).status == 403


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("GET", "/orders", "orders:read"),
        ("POST", "/orders/{id}/payments", "orders:write"),
        ("POST", "/orders/{id}/shipments", "orders:write"),
        ("POST", "/orders/{id}/shipments/{id}/delivery", "orders:write"),
        ("GET", "/stock", "stock:read"),
        ("GET", "/stock/some", "stock:read"),
        ("PUT", "/stock/some", "stock:write"),
        ("POST", "/stock/some/adjustments", "stock:write"),
    ],
)
def test_staff_need_the_permission(shop: Shop, method: str, path: str, permission: str) -> None:
    address = path.replace("{id}", new_id())
    area, kind = permission.split(":")
    assert shop.doors(method, address).status == 401
    assert shop.doors(method, address, token=staff(f"{area}:{'write' if kind == 'read' else 'read'}")).status == 403
    assert shop.doors(method, address, token=staff(permission)).status not in {401, 403}
