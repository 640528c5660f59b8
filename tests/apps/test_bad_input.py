"""Every route of every app, asked in every wrong way: a problem that says what is wrong, and never an internal error."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from bodies import HOSTILE, WRONG, Shape, body, pointer, spoiled
from doors import Doors, Reply, customer, doors, member, staff, token

from souk.http import BODY_LIMIT, VERBS, Admits, Door
from souk.ids import new_id
from souk_cli.apps import app
from souk_local.services import SERVICES

pytestmark = pytest.mark.stores
DOORS = [(service, door) for service in SERVICES for door in app(service).doors]
READING = [(service, door) for service, door in DOORS if door.body is not None]
ASKING = [(service, door) for service, door in DOORS if door.query is not None]
CLOSED = [(service, door) for service, door in DOORS if not door.public]
POINTING = [(service, door) for service, door in DOORS if "{" in door.path]
POSSIBLE = (new_id(), "nonsense", "%2F..%2F")
EXPIRED = timedelta(minutes=-1)


@pytest.fixture(scope="module")
def opened(stores: dict[str, str]) -> Iterator[dict[str, Doors]]:
    keep = {service: doors(service) for service in SERVICES}
    yield {service: one.__enter__() for service, one in keep.items()}
    for one in keep.values():
        one.__exit__(None, None, None)


def named(value: object) -> str:
    return f"{value.methods[0]} {value.path}" if isinstance(value, Door) else str(value)


every = pytest.mark.parametrize(("service", "door"), DOORS, ids=named)
every_reading = pytest.mark.parametrize(("service", "door"), READING, ids=named)
every_asking = pytest.mark.parametrize(("service", "door"), ASKING, ids=named)
every_closed = pytest.mark.parametrize(("service", "door"), CLOSED, ids=named)
every_pointing = pytest.mark.parametrize(("service", "door"), POINTING, ids=named)


@pytest.fixture
def knock(opened: dict[str, Doors], service: str, door: Door) -> Callable[..., Reply]:
    """Send something to the door, as somebody whom it admits, who saw version 1 of what is there."""

    def send(json: Any = None, *, path: str = door.path, method: str = door.methods[0], **headers: str) -> Reply:
        headers.setdefault("token", admitted(service, door))
        headers.setdefault("if_match", '"1"')
        return opened[service](method, path, json, **headers)

    return send


def admitted(service: str, door: Door) -> str:
    """Return a token that the door lets in, or none for a public one."""
    if door.permission:
        return (member if service == "admin" else staff)(door.permission)
    if door.admits & Admits.CUSTOMER:
        return customer()
    return staff() if door.admits else ""


def shape(service: str, door: Door) -> Shape:
    found = body(service, door.path, door.methods[0])
    assert found
    return found


def problem(reply: Reply, *statuses: int) -> dict[str, Any]:
    """Return the problem that was answered, as RFC 9457 wants it, readable for a page of another origin."""
    assert reply.status in statuses, (reply.status, reply.body)
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["Access-Control-Allow-Origin"] == "*"
    assert (reply.body["status"], bool(reply.body["title"])) == (reply.status, True)
    assert reply.body["type"].startswith("urn:souk:problem:")
    assert reply.body["instance"] == f"urn:souk:request:{reply.headers['X-Request-Id']}"
    found: dict[str, Any] = reply.body
    return found


@every_reading
def test_a_body_that_is_no_json_is_malformed(knock: Callable[..., Reply], service: str, door: Door) -> None:
    for raw in (b"{", b"nonsense", b"\xff"):
        problem(knock(msgspec.Raw(raw)), 400)


@every_reading
def test_a_wrong_type_is_pointed_at_wherever_it_stands(knock: Callable[..., Reply], service: str, door: Door) -> None:
    asked = shape(service, door)
    for place, kind in asked.places():
        told = problem(knock(spoiled(asked.good(), place, WRONG[kind])), 422)
        assert told["errors"][0]["pointer"] == pointer(place)


@every_reading
def test_a_field_that_nobody_knows_is_pointed_at(knock: Callable[..., Reply], service: str, door: Door) -> None:
    asked = shape(service, door)
    for place in asked.objects():
        told = problem(knock(spoiled(asked.good(), (*place, "surprise"), 1)), 422)
        assert told["errors"][0]["pointer"] == pointer((*place, "surprise"))


@every_reading
def test_a_body_that_is_too_large_is_not_read(knock: Callable[..., Reply], service: str, door: Door) -> None:
    problem(knock(msgspec.Raw(b'{"padding": "' + b"x" * BODY_LIMIT + b'"}')), 413)


@every_reading
def test_a_body_of_another_media_type_is_not_read(knock: Callable[..., Reply], service: str, door: Door) -> None:
    for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "nonsense"):
        problem(knock(shape(service, door).good(), content_type=kind), 415)


@every_closed
def test_a_token_that_does_not_hold_is_not_trusted(knock: Callable[..., Reply], service: str, door: Door) -> None:
    audience = "admin" if door.permission or door.admits is Admits.STAFF else "customer"
    good = token(audience, None, door.permission or "")
    head, claims, seal = good.split(".")
    forged = f"{head}.{claims}.{seal[::-1]}"
    expired = token(audience, None, door.permission or "", lasts=EXPIRED)
    for bad in ("a.b.c", "..", forged, f"{head}..{seal}", expired):
        told = problem(knock(token=bad), 401)
        assert told["detail"]


@every
def test_another_method_is_not_allowed(knock: Callable[..., Reply], service: str, door: Door) -> None:
    known = {method for one in app(service).doors if one.path == door.path for method in one.methods}
    for verb in set(VERBS) - known - {"HEAD"}:
        reply = knock(path=door.path, method=verb)
        problem(reply, 405)
        assert set(reply.headers["Allow"].split(", ")) >= known


@every_pointing
def test_an_id_that_nothing_has_is_missing(knock: Callable[..., Reply], service: str, door: Door) -> None:
    given = shape(service, door).good() if door.body is not None else None
    for unknown in (*POSSIBLE, "a%00b", "x" * 2_000, "%F0%9F%90%AB"):
        if door.path.startswith("/stock/") and unknown in POSSIBLE:
            continue  # of a SKU that nobody counted yet nothing is on the shelf, and its ledger is empty
        path = "/".join(unknown if part.startswith("{") else part for part in door.path.split("/"))
        problem(knock(given, path=path), 404, 422)  # 422: a name that nothing may have, or a body that says two things


@every_reading
def test_what_is_missing_is_pointed_at(knock: Callable[..., Reply], service: str, door: Door) -> None:
    told = problem(knock([]), 422)
    assert told["errors"][0]["pointer"] == ""
    for name in shape(service, door).required():
        given = {key: one for key, one in shape(service, door).good().items() if key != name}
        assert problem(knock(given), 422)["errors"][0]["pointer"] == f"/{name}"


@every_asking
def test_a_question_that_makes_no_sense_is_told_so(knock: Callable[..., Reply], service: str, door: Door) -> None:
    problem(knock(path=f"{door.path}?surprise=1"), 422)


@every_reading
def test_no_value_is_an_internal_error(knock: Callable[..., Reply], service: str, door: Door) -> None:
    asked = shape(service, door)
    for place, _ in asked.places():
        for value in HOSTILE:
            reply = knock(spoiled(asked.good(), place, value))
            assert reply.status < 500, (place, value, reply.body)
