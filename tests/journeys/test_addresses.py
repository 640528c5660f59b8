"""Every address answers in the shop's own words, whatever is asked of it."""

from urllib.parse import quote

import httpx
import pytest
from journeys.keeper import Keeper

from souk.ids import new_id
from souk_cli.demo.shop import Shop
from souk_local.services import SERVICES

pytestmark = [pytest.mark.journey, pytest.mark.stores, pytest.mark.timeout(180, func_only=True)]
JSON = {"content-type": "application/json"}
REFUSALS = {
    "nowhere": ("GET", "/{}/no/such/address/at/all", {}, b"", 404),
    "root": ("GET", "/{}/", {}, b"", 404),
    "a method nobody knows": ("PATCH", "/{}/health", JSON, b"{}", 405),
    "a deeper method": ("DELETE", "/{}/health/ready", {}, b"", 405),
    "no method at all": ("BREW", "/{}/health", {}, b"", 405),
}
DOORS = {
    "no JSON": (JSON, b"{not json", 400),
    "no object": (JSON, b"[]", 422),
    "another type": ({"content-type": "text/plain"}, b"{}", 415),
    "no type": ({}, b"{}", 415),
    "a wrong type": (JSON, b'{"email": 1, "password": "x", "name": "x"}', 422),
    "too much": (JSON, b'{"email": "' + b"x" * 1_100_000 + b'"}', 413),
}


def ask(shop: Shop, method: str, path: str, headers: dict[str, str] | None = None, body: bytes = b"") -> httpx.Response:
    return httpx.request(method, shop.base + path, headers=headers, content=body, timeout=30)


def refused(answer: httpx.Response, status: int) -> None:
    """Check that a refusal is one of ours."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("urn:souk:problem:")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("case", list(REFUSALS))
def test_what_nothing_answers_is_refused_like_all_else(shop: Shop, service: str, case: str) -> None:
    method, path, headers, body, status = REFUSALS[case]
    refused(ask(shop, method, path.format(service), headers, body), status)


def test_an_unknown_service_is_refused_too(shop: Shop) -> None:
    refused(ask(shop, "GET", "/nobody/home"), 404)


@pytest.mark.parametrize("case", list(DOORS))
def test_a_body_that_is_not_one_is_refused(shop: Shop, case: str) -> None:
    headers, body, status = DOORS[case]
    refused(ask(shop, "POST", "/customer/customers", headers, body), status)


def test_a_wrong_type_is_pointed_at(shop: Shop) -> None:
    answer = ask(shop, "POST", "/customer/customers", JSON, b'{"email": 1, "password": "x", "name": "x"}')
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/email"]


def test_a_token_that_is_none_is_refused(shop: Shop) -> None:
    for token in ("nonsense", "a.b.c", "e30.e30.e30"):
        refused(ask(shop, "GET", "/order/orders", {"authorization": f"Bearer {token}"}), 401)


@pytest.mark.parametrize("service", SERVICES)
def test_a_browser_may_ask_first(shop: Shop, service: str) -> None:
    wish = {"origin": "http://shop.example", "access-control-request-method": "GET"}
    answer = ask(shop, "OPTIONS", f"/{service}/health", wish)
    assert answer.status_code in {200, 204}
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "GET" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert {"authorization", "content-type", "if-match", "idempotency-key"} <= set(allowed.replace(" ", "").split(","))


@pytest.mark.parametrize("service", SERVICES)
def test_head_is_get_without_a_body(shop: Shop, service: str) -> None:
    answer = ask(shop, "HEAD", f"/{service}/health")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("part", ["A+B", "50%25", "a&b=c?d#e", "x~y'z", "50%"])
def test_parts_of_an_address_arrive_decoded_once(keeper: Keeper, part: str) -> None:
    sku = f"{part}-{new_id()[-10:]}"
    where = f"/order/stock/{quote(sku, safe='')}"
    made = keeper.ask("PUT", where, {"on_hand": 3}, expect=200, if_match='"0"')
    assert made.body["sku"] == sku
    assert keeper.ask("GET", where, expect=200).body["sku"] == sku


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_tells_how_it_is_and_what_it_can(shop: Shop, service: str) -> None:
    assert shop.get(f"/{service}/health").body == {"service": service, "status": "alive"}
    ready = shop.get(f"/{service}/health/ready").body
    assert (ready["status"], {one["status"] for one in ready["stores"].values()}) == ("ready", {"up"})
    described = shop.get(f"/{service}/openapi.json").body
    assert described["openapi"].startswith("3.1")
    assert described["paths"]


def test_the_documents_can_be_read(shop: Shop) -> None:
    page = ask(shop, "GET", "/docs/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "swagger" in page.text.lower()
    assert ask(shop, "GET", "/openapi/order.json").json()["openapi"].startswith("3.1")
