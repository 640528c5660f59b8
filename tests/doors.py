"""Speaks to an app's doors as API Gateway would, through Chalice's own test client, with tokens signed like the shop's."""

import functools
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import IPv4Address
from typing import Any

import msgspec
from chalice.test import Client

from chalicelib.admin import live
from chalicelib.admin.model import Role, StaffMember
from souk.auth import PrivateKey, Signer
from souk.clock import utcnow
from souk.events import Event, Fact
from souk.ids import new_id
from souk_cli.apps import app as load
from souk_cli.serve.proxy import Context

SIGNERS = {"admin": "ADMIN_SIGNING_KEY", "customer": "CUSTOMER_SIGNING_KEY", "order": "CART_SIGNING_KEY"}
NOT_MODIFIED, FAILED = 304, 400
ISSUERS = {"admin": "admin", "customer": "customer", "order": "cart"}


class Reply(msgspec.Struct):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


class Doors:
    """One service's doors."""

    def __init__(self, service: str, client: Client) -> None:
        self.app = load(service)
        self._address = str(IPv4Address(secrets.randbits(24) | 10 << 24))  # sign-ins are throttled by address
        self._client = client

    def __call__(self, method: str, path: str, json: Any = None, *, token: str = "", **headers: str) -> Reply:
        """Send a request; a `msgspec.Raw` is sent as it is; keyword arguments are headers (`if_match="1"`)."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        body = msgspec.json.encode(json) if json is not None else b""
        if body:
            given.setdefault("content-type", "application/json")
        given.setdefault("x-real-ip", self._address)
        if token:
            given["authorization"] = f"Bearer {token}"
        answer = self._client.http.request(method, path, headers=given, body=body)
        text = answer.body
        if answer.status_code < FAILED:
            assert answer.status_code in self._promised(method, path), "the API document does not know that status"
        return Reply(answer.status_code, answer.headers, msgspec.json.decode(text) if text else None)

    def _promised(self, method: str, path: str) -> set[int]:
        """Return the statuses of success that the door of an address promises."""
        asked = path.partition("?")[0].split("/")
        return {
            status
            for door in self.app.doors
            if method in door.methods and _leads(door.path.split("/"), asked)
            for status in (door.status, *door.also, NOT_MODIFIED)
        }

    def deliver(self, consumer: str, *events: Event) -> dict[str, Any]:
        """Give a batch of events to a consumer, as its queue would; returns what the function answers."""
        handler = next(one.handler for one in self.app.consumers if one.name == consumer)
        batch = {"Records": [_record(consumer, event) for event in events]}
        answer: dict[str, Any] = self.app.handler_map[handler](batch, Context(handler, new_id()))
        return answer


def _leads(pattern: Sequence[str], asked: Sequence[str]) -> bool:
    """Tell whether an address, part by part, is one of a door's; a part in braces stands for any."""
    pairs = zip(pattern, asked, strict=False)
    return len(pattern) == len(asked) and all(one.startswith("{") or one == other for one, other in pairs)


def _record(consumer: str, event: Event) -> dict[str, Any]:
    return {
        "messageId": event.id,
        "body": event.encoded().decode(),
        "attributes": {"ApproximateReceiveCount": "1"},
        "eventSource": "aws:sqs",
        "eventSourceARN": f"arn:aws:sqs:local:000000000000:{consumer}",
    }


@contextmanager
def doors(service: str) -> Iterator[Doors]:
    """Open the doors of a service, whose stores' settings stand in the environment."""
    with Client(load(service)) as client:
        yield Doors(service, client)


def token(audience: str, subject: str | None = None, *permissions: str, lasts: timedelta = timedelta(minutes=5)) -> str:
    """Return a token like the ones that the signing service hands out."""
    key = msgspec.json.decode(os.environ[SIGNERS[audience]], type=PrivateKey)
    signer = Signer(ISSUERS[audience], key)
    return signer.sign(
        subject or new_id(), audience=audience, now=utcnow(), lasts=lasts, permissions=frozenset(permissions)
    )


def staff(*permissions: str) -> str:
    """Return the token of a member of staff with these permissions."""
    return token("admin", None, *permissions)


def member(*permissions: str) -> str:
    """Return the token of somebody whom the admin service knows, with a role of these permissions."""
    return token("admin", _joined(permissions), *permissions)


@functools.cache
def _joined(permissions: tuple[str, ...]) -> str:
    who, role = new_id(), Role(name="r" + new_id()[-12:], permissions=frozenset(permissions))
    joined = StaffMember(
        id=who, email=f"{who}@example.com", name="Grace", roles=frozenset({role.name}), created_at=utcnow()
    )
    with live.staff() as store:
        assert store.add_role(role)
        assert store.add_member(joined, "no password is behind this")
    return who


def customer(subject: str | None = None) -> str:
    """Return a customer's token."""
    return token("customer", subject)


def event(fact: Fact, *, aggregate: str | None = None, version: int = 1) -> Event:
    """Return an event that says `fact`."""
    return Event.of(fact, aggregate=aggregate or new_id(), version=version, now=utcnow())
