"""A WSGI request becomes API Gateway's proxy event, and a function's answer goes back."""

import base64
import io
from typing import Any

import pytest

from souk_cli.serve import proxy
from souk_cli.serve.routes import Found

BINARY = ("application/octet-stream",)


def environ(**more: Any) -> dict[str, Any]:
    body = more.pop("body", b"")
    length = {"CONTENT_LENGTH": str(len(body))} if body else {}
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/order/orders",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "203.0.113.9",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.input": io.BytesIO(body),
        **length,
        **more,
    }


def event(**more: Any) -> dict[str, Any]:
    body = more.get("body", b"")
    given = environ(**more)
    client = proxy.client_of(given, ())
    found = Found("/orders/{order_id}", {"order_id": "a%20b"})
    return proxy.event_of(
        given, service="order", path="/orders/a b", found=found, body=body, client=client, binary=BINARY
    )


def test_the_event_says_where_it_goes() -> None:
    made = event(REQUEST_METHOD="POST")
    assert made["httpMethod"] == "POST"
    assert made["resource"] == made["requestContext"]["resourcePath"] == "/orders/{order_id}"
    assert made["path"] == "/orders/a%20b"
    assert made["pathParameters"] == {"order_id": "a%20b"}
    assert made["requestContext"]["path"] == "/order/orders/a%20b"


def test_a_name_that_comes_twice_in_the_query_keeps_both_values() -> None:
    made = event(QUERY_STRING="tag=a&tag=b%20c&empty=")
    assert made["multiValueQueryStringParameters"] == {"tag": ["a", "b c"], "empty": [""]}
    assert made["queryStringParameters"] == {"tag": "b c", "empty": ""}


def test_no_query_is_none_at_all() -> None:
    assert event()["multiValueQueryStringParameters"] is None


def test_headers_come_under_their_own_names() -> None:
    made = event(HTTP_IF_MATCH='"3"', CONTENT_TYPE="application/json")
    assert made["headers"]["if-match"] == '"3"'
    assert made["multiValueHeaders"]["content-type"] == ["application/json"]


def test_the_clients_address_is_the_peers_whatever_the_client_says() -> None:
    made = event(HTTP_X_REAL_IP="198.51.100.1", HTTP_X_FORWARDED_FOR="198.51.100.2", HTTP_FORWARDED="for=198.51.100.3")
    assert made["headers"]["x-real-ip"] == "203.0.113.9"
    assert made["requestContext"]["identity"]["sourceIp"] == "203.0.113.9"
    assert "x-forwarded-for" not in made["headers"]
    assert "forwarded" not in made["headers"]


def test_a_proxy_of_our_own_says_whose_request_it_is() -> None:
    given = environ(REMOTE_ADDR="10.0.0.1", HTTP_X_REAL_IP="198.51.100.1")
    assert proxy.client_of(given, {"10.0.0.1"}) == "198.51.100.1"


def test_what_the_process_environment_calls_http_is_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "_ENVIRONMENT", frozenset({"HTTP_PROXY"}))
    assert "proxy" not in event(HTTP_PROXY="http://proxy.internal")["headers"]


def test_text_is_passed_as_text() -> None:
    made = event(body='{"a":"ü"}'.encode(), CONTENT_TYPE="application/json; charset=utf-8")
    assert (made["body"], made["isBase64Encoded"]) == ('{"a":"ü"}', False)


def test_binary_is_passed_in_base64() -> None:
    made = event(body=b"\x00\xff", CONTENT_TYPE="application/octet-stream")
    assert made["isBase64Encoded"]
    assert base64.b64decode(made["body"]) == b"\x00\xff"


def test_what_calls_itself_text_and_is_none_is_passed_as_it_came() -> None:
    made = event(body=b'{"a":"\xff"}', CONTENT_TYPE="application/json")
    assert made["isBase64Encoded"]
    assert base64.b64decode(made["body"]) == b'{"a":"\xff"}'


def test_a_path_is_read_as_utf8() -> None:
    assert proxy.path_of(environ(PATH_INFO="/k\xc3\xa4se")) == "/käse"


def test_a_body_that_is_too_large_is_not_read() -> None:
    given = environ(CONTENT_LENGTH=str(proxy.BODY_LIMIT + 1))
    assert proxy.body_of(given) is None


def test_a_body_that_says_no_length_is_read_up_to_the_limit() -> None:
    assert proxy.body_of({**environ(), "wsgi.input": io.BytesIO(b"x" * (proxy.BODY_LIMIT + 5))}) is None


class Answered:
    def __init__(self) -> None:
        self.status = ""
        self.headers: list[tuple[str, str]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]]) -> None:
        self.status, self.headers = status, headers


def test_headers_of_an_answer_may_have_many_values() -> None:
    told = Answered()
    answer = {"statusCode": 200, "headers": {"A": 1}, "multiValueHeaders": {"Set-Cookie": ["a", "b"]}, "body": "hé"}
    assert proxy.answered(answer, told) == ["hé".encode()]
    assert told.status == "200 OK"
    assert told.headers == [("A", "1"), ("Set-Cookie", "a"), ("Set-Cookie", "b"), ("Content-Length", "3")]


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body(status: int) -> None:
    told = Answered()
    assert proxy.answered({"statusCode": status, "body": ""}, told) == []
    assert told.headers == []


def test_an_answer_to_head_has_no_body() -> None:
    assert proxy.answered({"statusCode": 200, "body": "text"}, Answered(), head=True) == []


def test_a_binary_answer_is_decoded() -> None:
    answer = {"statusCode": 200, "body": base64.b64encode(b"\x00").decode(), "isBase64Encoded": True}
    assert proxy.answered(answer, Answered()) == [b"\x00"]
