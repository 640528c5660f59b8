"""Every route of every app: who comes through which door."""

from collections.abc import Iterator

import pytest
from chalice.test import Client
from doors import customer, member, staff, token

from souk.http import Admits, Door
from souk_cli.apps import app
from souk_local.services import SERVICES

pytestmark = pytest.mark.stores
DOORS = [(service, door) for service in SERVICES for door in app(service).doors]
STRANGER = "no:such"


@pytest.fixture(scope="module")
def clients(stores: dict[str, str]) -> Iterator[dict[str, Client]]:
    opened = {service: Client(app(service)).__enter__() for service in SERVICES}
    yield opened
    for client in opened.values():
        client.__exit__(None, None, None)


def knock(client: Client, door: Door, bearer: str | None) -> int:
    """Return the status of a request without a body to an address where nothing is."""
    path = door.path.replace("{", "").replace("}", "")
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return int(client.http.request(door.methods[0], path, headers=headers).status_code)


def let_in(client: Client, door: Door, bearer: str) -> bool:
    """Tell whether a token gets through; a service that does not even trust its signer answers 401."""
    return knock(client, door, bearer) not in {401, 403}


def named(value: object) -> str:
    return f"{value.methods[0]} {value.path}" if isinstance(value, Door) else str(value)


@pytest.mark.parametrize(("service", "door"), DOORS, ids=named)
def test_a_door_lets_in_whom_it_names_and_nobody_else(clients: dict[str, Client], service: str, door: Door) -> None:
    client = clients[service]
    if door.public:
        assert knock(client, door, None) not in {401, 403}
        return
    assert knock(client, door, None) == 401
    assert let_in(client, door, customer()) is (Admits.CUSTOMER in door.admits)
    assert let_in(client, door, token("order")) is (Admits.ORDER_HOLDER in door.admits)
    assert let_in(client, door, staff(STRANGER)) is (Admits.STAFF in door.admits)
    if door.permission:
        assert let_in(client, door, (member if service == "admin" else staff)(door.permission))


def test_every_permission_that_a_door_names_can_be_granted() -> None:
    from chalicelib.admin.model import PERMISSIONS

    assert {door.permission for _, door in DOORS if door.permission} <= PERMISSIONS


def test_every_public_change_is_meant_to_be_one() -> None:
    """A new door that changes something and lets in everyone has to be named here."""
    meant = {
        ("admin", "/sessions"), ("admin", "/sessions/refresh"), ("admin", "/invitations/{token}/acceptance"),
        ("customer", "/customers"), ("customer", "/sessions"), ("customer", "/sessions/refresh"),
        ("cart", "/carts"), ("order", "/quotes"), ("order", "/quotes/{quote_id}/reservation"),
    }  # fmt: skip
    found = {(service, door.path) for service, door in DOORS if door.public and door.methods[0] != "GET"}
    assert found <= meant
