"""Whatever comes in, nobody gets an internal error."""

import json
from typing import Any

import msgspec
import pytest
from apps.order.shop import Shop, wish

from souk.clock import utcnow
from souk.ids import new_id
from souk.paging import seal

pytestmark = pytest.mark.stores
NUL = "\0"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/stock/a%00b", 404),
        ("/stock?text=%00", 422),
        ("/orders?customer=%00", 422),
        ("/orders?text=%00", 422),
        ("/orders?status=lost", 422),
        ("/orders?from=yesterday", 422),
        ("/orders?limit=0", 422),
        ("/orders/not-an-id", 404),
        (f"/stock?cursor={seal([NUL, 'x'])}", 422),
        (f"/orders?cursor={seal([utcnow(), 'x'])}", 422),
        (f"/orders?cursor={seal(['x', 1])}", 422),
        (f"/stock/a/adjustments?cursor={seal(2**64 - 1)}", 422),
    ],
)
def test_a_question_that_makes_no_sense_is_told_so(shop: Shop, path: str, status: int) -> None:
    reply = shop.doors("GET", path, token=shop.staff)
    assert (reply.status, reply.headers["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"", 415),
        (b"nonsense", 400),
        (b"\xff", 400),
        (b"[]", 422),
        (b"null", 422),
        (json.dumps(wish(("a", 1), method=NUL)).encode(), 422),
        (json.dumps(wish(("a", 10**30))).encode(), 422),
        (json.dumps({**wish(("a", 1)), "contact": {"email": "a@b.c", "name": "x" * 500}}).encode(), 422),
        (b'{"padding": "' + b"x" * 1_048_577 + b'"}', 413),
    ],
)
def test_a_body_that_makes_no_sense_is_told_so(shop: Shop, raw: bytes, status: int) -> None:
    reply = shop.doors("POST", "/quotes", msgspec.Raw(raw))
    assert (reply.status, reply.headers["Content-Type"]) == (status, "application/problem+json")


@pytest.mark.parametrize("field", ["name", "email"])
def test_a_text_that_cannot_be_kept_is_invalid(shop: Shop, field: str) -> None:
    _, sku = shop.sell()
    asked: dict[str, Any] = wish((sku, 1))
    asked["contact"][field] = f"a{NUL}@b.c"
    assert shop.doors("POST", "/quotes", asked).status == 422
    note = {"change": 1, "reason": "lost", "note": NUL}
    for headers in ({}, {"idempotency_key": new_id()}):
        assert shop.doors("POST", f"/stock/{sku}/adjustments", note, token=shop.staff, **headers).status == 422


@pytest.mark.parametrize("what", ["cancellation", "payments", "shipments", f"shipments/{new_id()}/delivery"])
@pytest.mark.parametrize("order", ["not-an-id", new_id(), NUL])
def test_what_happens_to_an_order_that_is_not_there_is_missing(shop: Shop, what: str, order: str) -> None:
    body = {"payments": {"method": "cash"}, "shipments": {"carrier": "DHL"}}.get(what)
    reply = shop.doors("POST", f"/orders/{order.replace(NUL, '%00')}/{what}", body, token=shop.staff)
    assert reply.status == 404
