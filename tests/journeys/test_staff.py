"""Staff and customers: who may come in, and who saw what when they changed it."""

import msgspec
import pytest
from journeys.keeper import Keeper

from souk.ids import new_id
from souk.postgres import Database
from souk_cli.demo.journey import PASSWORD
from souk_local.patience import until

pytestmark = [pytest.mark.journey, pytest.mark.stores, pytest.mark.timeout(180, func_only=True)]


def test_suspended_staff_stay_outside(keeper: Keeper) -> None:
    email = f"clerk-{new_id()[-10:]}@example.com"
    role = f"desk-{new_id()[-10:]}"
    keeper.ask("POST", "/admin/roles", {"name": role, "permissions": ["orders:read"]}, expect=201)
    invited = keeper.ask("POST", "/admin/invitations", {"email": email, "roles": [role]}, expect=201).body
    where = f"/admin/invitations/{invited['token']}/acceptance"
    clerk = keeper.shop.ask("POST", where, {"name": "Clerk", "password": PASSWORD}, expect=201).body
    wish = {"email": email, "password": PASSWORD}
    tokens = keeper.shop.ask("POST", "/admin/sessions", wish, expect=201).body
    assert keeper.shop.ask("GET", "/order/orders", token=tokens["access_token"]).status == 200
    assert keeper.shop.ask("GET", "/order/stock", token=tokens["access_token"]).status == 403
    keeper.ask("PUT", f"/admin/staff/{clerk['id']}/suspension", expect=200)
    assert keeper.shop.ask("POST", "/admin/sessions", wish).status == 401
    spent = {"refresh_token": tokens["refresh_token"]}
    assert keeper.shop.ask("POST", "/admin/sessions/refresh", spent).status == 401
    keeper.ask("DELETE", f"/admin/staff/{clerk['id']}/suspension", expect=200)
    assert keeper.shop.ask("POST", "/admin/sessions", wish).status == 201


def test_suspended_customers_stay_outside(keeper: Keeper) -> None:
    ada = keeper.customer()
    who = keeper.shop.get("/customer/me", token=ada.token).body["id"]
    found = keeper.ask("GET", f"/customer/customers?text={ada.email}", expect=200).body["items"]
    assert [one["id"] for one in found] == [who]
    keeper.ask("PUT", f"/customer/customers/{who}/suspension", expect=200)
    wish = {"email": ada.email, "password": PASSWORD}
    assert keeper.shop.ask("POST", "/customer/sessions", wish).status == 401
    keeper.ask("DELETE", f"/customer/customers/{who}/suspension", expect=200)
    assert keeper.shop.ask("POST", "/customer/sessions", wish).status == 201


def test_a_change_says_which_version_it_saw(keeper: Keeper) -> None:
    goods = keeper.goods()
    where = f"/product/products/{goods.id}"
    old = keeper.product(goods).etag
    assert keeper.shop.ask("PATCH", where, {"title": "New"}, token=keeper.token).status == 428
    keeper.ask("PATCH", where, {"title": "New"}, expect=200, if_match=old)
    stale = keeper.ask("PATCH", where, {"title": "Newer"}, expect=412, if_match=old)
    assert stale.headers["content-type"] == "application/problem+json"
    fresh = keeper.product(goods)
    assert fresh.body["title"] == "New"
    unchanged = keeper.shop.ask("GET", where, token=keeper.token, if_none_match=fresh.etag)
    assert (unchanged.status, unchanged.body) == (304, None)


def test_a_carts_change_tells_the_version_to_submit(keeper: Keeper) -> None:
    goods, ada = keeper.goods(), keeper.customer()
    added = ada.add(goods)
    assert added.etag == ada.look().etag
    assert ada.submit(ada.quote(), if_match='"1"').status == 412
    assert ada.outcome(ada.submit(ada.quote(), if_match=added.etag).body["order_id"])["status"] == "placed"


def test_what_staff_change_is_in_the_audit_trail_once(keeper: Keeper) -> None:
    goods = keeper.goods()
    keeper.reprice(goods, 1234)

    def actions() -> list[str] | None:
        trail = keeper.ask("GET", f"/admin/audit?subject={goods.id}", expect=200).body["items"]
        return [one["action"] for one in trail] if len(trail) >= 3 else None

    assert sorted(until(actions, "the audit trail")) == ["product.create", "product.edit", "product.publish"]


def test_one_trace_leads_from_the_request_to_what_it_caused(keeper: Keeper) -> None:
    goods, ada = keeper.goods(), keeper.customer()
    ada.add(goods)
    trace, request = new_id().replace("-", ""), f"request-{new_id()}"
    reply = ada.submit(ada.quote(), traceparent=f"00-{trace}-{trace[:16]}-01", x_request_id=request)
    assert reply.headers["x-request-id"] == request
    order = reply.body["order_id"]
    assert ada.outcome(order)["status"] == "placed"
    assert trace_of("cart", "cart.submitted", ada.cart) == trace
    assert trace_of("order", "order.placed", order) == trace
    assert trace_of("order", "stock.changed", f"default/{goods.sku}") == trace


def trace_of(service: str, kind: str, aggregate: str) -> str:
    """Return the trace of the newest event of a kind about something."""
    newest = "SELECT event FROM outbox WHERE type = %(kind)s AND event::json ->> 'aggregate' = %(about)s"
    with Database(service).reading() as session:
        rows = session.all(f"{newest} ORDER BY created_at DESC LIMIT 1", kind=kind, about=aggregate)
    [row] = rows
    return str(msgspec.json.decode(row["event"])["trace"])
