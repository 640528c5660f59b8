"""Doors: what goes in, what comes out, who comes through."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

import msgspec
import pytest
from chalice.test import Client, HTTPResponse

from souk import health
from souk.auth import Signer, new_key
from souk.clock import utcnow
from souk.errors import Refused, TooMany, Unavailable
from souk.http import Admits, Answer, Souk, created
from souk.openapi import describe

SIGNERS = {name: Signer(name, new_key()) for name in ("admin", "customer", "cart")}
KEYS = {"keys": [msgspec.to_builtins(signer.jwks.keys[0]) for signer in SIGNERS.values()]}


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Line(msgspec.Struct, frozen=True):
    sku: str
    quantity: Annotated[int, msgspec.Meta(ge=1)]
    size: Size | None = None


class Wish(msgspec.Struct, frozen=True):
    lines: list[Line]


class Thing(msgspec.Struct, frozen=True):
    id: str
    version: int = 1


class Ask(msgspec.Struct, frozen=True):
    limit: int = 20
    sort: Literal["name", "price"] = "name"


def make_app() -> Souk:
    app = Souk("thing")

    @app.route("/things/{thing_id}")
    def read(thing_id: str, query: Ask) -> Thing:
        """Read a thing."""
        return Thing(thing_id, query.limit)

    @app.route("/things", methods=["POST"], status=201)
    def make(body: Wish) -> Answer[Thing]:
        """Make a thing."""
        return created(Thing(body.lines[0].sku), "/thing/things/1")

    @app.route("/things/{thing_id}/claims", methods=["POST"])
    def claim(thing_id: str) -> Thing:
        """Tell the scope of an attempt."""
        return Thing(app.attempt.scope if app.attempt else thing_id)

    @app.route("/secrets", permission="things:read", admits=Admits.CUSTOMER)
    def secrets() -> Thing:
        """Read what is not for everyone."""
        return Thing(app.caller.subject)

    @app.route("/things/{thing_id}", methods=["PUT"])
    def change(thing_id: str) -> Thing:
        """Change a thing that was seen."""
        return Thing(thing_id, app.if_match)

    @app.route("/failures/{kind}")
    def fail(kind: str) -> None:
        """Fail in a certain way."""
        known: dict[str, Exception] = {
            "refused": Refused("no", code="out-of-stock"),
            "busy": TooMany("slow down", retry_after=7),
            "down": Unavailable("gone"),
            "bug": RuntimeError("password=hunter2"),
        }
        raise known[kind]

    health.add_doors(app, {})
    app.refuse_the_rest()
    return app


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("THING_TRUSTED_KEYS", json.dumps(KEYS))
    with Client(make_app()) as opened:
        yield opened


def bearer(signer: str, audience: str, *permissions: str) -> dict[str, str]:
    token = SIGNERS[signer].sign(
        "ada", audience=audience, now=utcnow(), lasts=timedelta(minutes=1), permissions=frozenset(permissions)
    )
    return {"Authorization": f"Bearer {token}"}


def send(client: Client, method: str, path: str, body: Any = None, **headers: str) -> HTTPResponse:
    given = {"Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return client.http.request(method, path, headers=given, body=raw)


def test_an_answer_carries_its_version_and_what_every_answer_carries(client: Client) -> None:
    got = send(client, "GET", "/things/a%20b%2Fc?limit=4")
    assert got.json_body == {"id": "a b/c", "version": 4}
    assert got.headers["ETag"] == '"4"'
    assert got.headers["Access-Control-Allow-Origin"] == "*"
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["X-Request-Id"]


def test_what_may_have_changed_something_is_logged_with_its_trace(
    client: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    send(client, "POST", "/things/ada@example.com/claims", traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    line = msgspec.json.decode(capsys.readouterr().out)
    assert (line["message"], line["method"], line["status"], line["trace"]) == ("answered", "POST", 200, trace)
    assert line["route"] == "/things/{thing_id}/claims", "what stands in addresses may be a token"


def test_of_what_was_only_read_failures_alone_are_logged(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    send(client, "GET", "/things/a")
    send(client, "GET", "/failures/refused")
    assert capsys.readouterr().out == ""
    send(client, "GET", "/failures/down")
    assert msgspec.json.decode(capsys.readouterr().out)["status"] == 503


@pytest.mark.parametrize("known", ['"20"', 'W/"20"', '"19", "20"', "*"])
def test_whoever_has_the_version_gets_304(client: Client, known: str) -> None:
    got = send(client, "GET", "/things/a", If_None_Match=known)
    assert (got.status_code, got.body) == (304, b"")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"lines": [{"sku": "a", "quantity": 0}]}, 422, "/lines/0/quantity"),
        ({"lines": [{"sku": "a"}]}, 422, "/lines/0/quantity"),
        ({}, 422, "/lines"),
        ([], 422, ""),
        (b"{", 400, None),
        (b"\xff", 400, None),
    ],
)
def test_a_bad_body_is_told_where(client: Client, body: Any, status: int, pointer: str | None) -> None:
    got = send(client, "POST", "/things", body)
    assert got.status_code == status
    assert got.headers["Content-Type"] == "application/problem+json"
    if pointer is not None:
        assert got.json_body["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize(
    ("method", "path", "body", "told"),
    [
        ("POST", "/things", {"lines": [{"sku": "a", "quantity": 1, "size": "huge"}]}, "small, large"),
        ("GET", "/things/a?sort=moon", None, "name, price"),
    ],
)
def test_what_is_not_one_of_a_few_is_told_which_they_are(
    client: Client, method: str, path: str, body: Any, told: str
) -> None:
    (fault,) = send(client, method, path, body).json_body["errors"]
    assert fault["detail"].endswith(f"; it is one of {told}")


def test_a_key_is_good_for_one_caller_and_one_address(client: Client) -> None:
    def scope(path: str, **headers: str) -> str:
        return str(send(client, "POST", path, Idempotency_Key="k", **headers).json_body["id"])

    first = scope("/things/a/claims")
    assert scope("/things/a/claims") == first
    assert scope("/things/b/claims") != first
    assert scope("/things/a/claims", **bearer("customer", "customer")) != first


def test_only_json_is_read(client: Client) -> None:
    got = client.http.post("/things", headers={"Content-Type": "text/plain"}, body=b"{}")
    assert got.status_code == 415


@pytest.mark.parametrize("raw", [b"", b"{", b"{" * 10_000, b'{"lines": [{"sku": "\xff", "quantity": 1}]}'])
def test_what_is_not_json_is_malformed(client: Client, raw: bytes) -> None:
    assert send(client, "POST", "/things", raw).status_code == 400


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_what_is_nested_too_deep_is_malformed(client: Client, opening: bytes) -> None:
    assert send(client, "POST", "/things", b'{"note": ' + opening * 100_000).status_code == 400


@pytest.mark.parametrize(
    "tag", ["", '"', "*", "-1", '"x"', "\u00b2", "\u0661", '"1", "2"', "1_0", "9" * 20, "9" * 5_000]
)
def test_what_is_no_etag_of_ours_is_invalid(client: Client, tag: str) -> None:
    assert send(client, "PUT", "/things/a", If_Match=tag).status_code == 422


@pytest.mark.parametrize("tag", ["7", '"7"'])
def test_the_etag_says_which_version_was_seen(client: Client, tag: str) -> None:
    assert send(client, "PUT", "/things/a", If_Match=tag).json_body["version"] == 7


def test_a_body_has_a_limit(client: Client) -> None:
    assert send(client, "POST", "/things", b" " * 1_048_577).status_code == 413


def test_what_was_made_has_an_address(client: Client) -> None:
    got = send(client, "POST", "/things", {"lines": [{"sku": "a", "quantity": 1}]})
    assert (got.status_code, got.headers["Location"]) == (201, "/thing/things/1")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (dict, 401),
        (lambda: {"Authorization": "Bearer nonsense"}, 401),
        (lambda: {"Authorization": "Bearer a.b.c"}, 401),
        (lambda: bearer("admin", "admin"), 403),
        (lambda: bearer("admin", "admin", "things:read"), 200),
        (lambda: bearer("customer", "customer"), 200),
        (lambda: bearer("cart", "order"), 403),
        (lambda: bearer("customer", "admin", "things:read"), 401),
    ],
)
def test_a_door_lets_in_whom_it_names(client: Client, headers: Callable[[], dict[str, str]], status: int) -> None:
    # Signed here and not when tests are collected: in a long run, a token of that time would have expired by now.
    assert send(client, "GET", "/secrets", **headers()).status_code == status


def test_a_change_says_what_was_seen(client: Client) -> None:
    assert send(client, "PUT", "/things/a").status_code == 428
    assert send(client, "PUT", "/things/a", If_Match="x").status_code == 422
    assert send(client, "PUT", "/things/a", If_Match='"3"').json_body["version"] == 3


@pytest.mark.parametrize(
    ("kind", "status", "header"),
    [("refused", 409, None), ("busy", 429, "7"), ("down", 503, "2"), ("bug", 500, None)],
)
def test_errors_are_problems(client: Client, kind: str, status: int, header: str | None) -> None:
    got = send(client, "GET", f"/failures/{kind}")
    assert got.status_code == status
    assert got.headers.get("Retry-After") == header
    assert got.headers["Access-Control-Allow-Origin"] == "*"
    assert b"hunter2" not in got.body


def test_an_unknown_address_and_method_are_ours_to_answer(client: Client) -> None:
    assert send(client, "GET", "/nowhere").status_code == 404
    refused = send(client, "DELETE", "/things")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "OPTIONS, POST")
    head = send(client, "HEAD", "/things/a")
    assert (head.status_code, head.body) == (200, b"")


def test_requests_in_many_threads_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()

    def ask(number: int) -> bool:
        with Client(app) as client:
            return bool(send(client, "GET", f"/things/{number}").json_body["id"] == str(number))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(400)))


def test_the_same_doors_give_the_same_document() -> None:
    first, second = describe(make_app()), describe(make_app())
    assert first == second
    assert first["openapi"] == "3.1.0"
    operation = first["paths"]["/secrets"]["get"]
    assert (operation["x-permission"], operation["security"]) == ("things:read", [{"token": []}])
    assert first["paths"]["/things"]["post"]["requestBody"]["required"]
