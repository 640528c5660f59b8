"""The six apps behind one WSGI application."""

import io
import json
from typing import Any

import pytest

from souk.http import BODY_LIMIT
from souk_cli.serve import wsgi
from souk_local.services import SERVICES


class Reply:
    def __init__(self, method: str, path: str, **more: Any) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        given = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.input": io.BytesIO(),
            **more,
        }
        self.body = b"".join(wsgi.application(given, self._started))

    def _started(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status = int(status.split(maxsplit=1)[0])
        self.headers = {name.lower(): value for name, value in headers}


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_answers_at_its_own_address(service: str) -> None:
    told = Reply("GET", f"/{service}/health")
    assert told.status == 200
    assert json.loads(told.body)["service"] == service


def test_an_unknown_service_is_a_problem_that_browsers_may_read() -> None:
    told = Reply("GET", "/nothing/here")
    assert told.status == 404
    assert told.headers["content-type"] == "application/problem+json"
    assert told.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(("method", "path"), [("GET", "/nothing/here"), ("BREW", "/order/health")])
def test_what_no_service_is_asked_is_answered_under_the_id_of_the_request(method: str, path: str) -> None:
    told = Reply(method, path, HTTP_X_REQUEST_ID="0123456789-abc")
    assert told.headers["x-request-id"] == "0123456789-abc"
    assert json.loads(told.body)["instance"] == "urn:souk:request:0123456789-abc"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/order/nothing/here", 404), ("DELETE", "/order/health", 405)]
)
def test_a_service_refuses_what_it_does_not_have(method: str, path: str, status: int) -> None:
    told = Reply(method, path)
    assert told.status == status
    assert told.headers["content-type"] == "application/problem+json"


def test_a_method_that_http_does_not_know_is_refused() -> None:
    assert Reply("BREW", "/order/health").status == 405


def test_a_preflight_says_what_is_allowed() -> None:
    told = Reply("OPTIONS", "/order/health")
    assert told.status == 200
    assert "GET" in told.headers["access-control-allow-methods"]
    assert "If-Match" in told.headers["access-control-allow-headers"]


def test_a_preflight_of_an_unknown_address_is_refused() -> None:
    assert Reply("OPTIONS", "/order/nothing/here").status == 404


def test_head_answers_without_a_body() -> None:
    told = Reply("HEAD", "/order/health")
    assert (told.status, told.body) == (200, b"")


def test_the_api_document_stands_beside_the_services() -> None:
    told = Reply("GET", "/openapi/order.json")
    assert json.loads(told.body)["openapi"].startswith("3.1")


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    told = Reply("POST", "/order/quotes", CONTENT_LENGTH="99999999")
    assert told.status == 413
    assert (
        json.loads(told.body)["detail"] == f"a body has at most {BODY_LIMIT} bytes"
    )  # the doors' limit, not the server's
