"""The customer service's doors, with its real database."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from doors import Doors, customer, doors, staff

from chalicelib.customer import live
from chalicelib.customer.imports import NewCustomer, import_customers
from souk.clock import utcnow
from souk.ids import new_id

pytestmark = pytest.mark.stores
PASSWORD = "a-long-enough-secret"
HOME = {"recipient": "Ada", "street": "1 Main St", "city": "Springfield", "postal_code": "12345", "country": "US"}


@pytest.fixture
def shop(stores: dict[str, str]) -> Iterator[Doors]:
    with doors("customer") as opened:
        yield opened


@pytest.fixture
def ada(shop: Doors) -> dict[str, Any]:
    """Return a registered customer, signed in."""
    email = f"{new_id()}@example.com"
    made = shop("POST", "/customers", {"email": email, "name": "Ada", "password": PASSWORD})
    assert made.status == 201, made
    tokens = shop("POST", "/sessions", {"email": email, "password": PASSWORD}).body
    return {**made.body, "token": tokens["access_token"], "refresh": tokens["refresh_token"]}


def test_registering_tells_others_and_no_personal_data(shop: Doors, ada: dict[str, Any]) -> None:
    with live.database.reading() as tx:
        rows = tx.all("SELECT event FROM outbox WHERE event LIKE %(id)s", id=f"%{ada['id']}%")
    assert len(rows) == 1
    assert ada["email"] not in rows[0]["event"]


def test_an_email_address_registers_once(shop: Doors, ada: dict[str, Any]) -> None:
    again = shop("POST", "/customers", {"email": ada["email"].upper(), "name": "Eve", "password": PASSWORD})
    assert (again.status, again.body["type"]) == (409, "urn:souk:problem:email-taken")


def test_a_repeated_registration_is_one(shop: Doors) -> None:
    wish = {"email": f"{new_id()}@example.com", "name": "Ada", "password": PASSWORD}
    key = new_id()
    first = shop("POST", "/customers", wish, idempotency_key=key)
    again = shop("POST", "/customers", wish, idempotency_key=key)
    assert first.status == again.status == 201
    assert first.body["id"] == again.body["id"]


def test_who_reads_does_not_wait_for_who_changes(shop: Doors, ada: dict[str, Any]) -> None:
    def refresh() -> int:
        assert shop("GET", "/me", token=ada["token"]).status == 200
        return shop("POST", "/sessions/refresh", {"refresh_token": ada["refresh"]}).status

    with ThreadPoolExecutor(1) as another, live.customers() as store:
        assert store.customer_for_change(ada["id"])
        assert another.submit(refresh).result(timeout=5) == 201


def test_a_profile_is_edited_by_version(shop: Doors, ada: dict[str, Any]) -> None:
    mine = shop("GET", "/me", token=ada["token"])
    edited = shop("PATCH", "/me", {"name": "Ada L."}, token=ada["token"], if_match=mine.etag)
    assert (edited.status, edited.body["name"], edited.body["version"]) == (200, "Ada L.", 2)
    assert shop("PATCH", "/me", {"name": "Eve"}, token=ada["token"], if_match=mine.etag).status == 412
    assert shop("GET", "/me", token=ada["token"], if_none_match=edited.etag).status == 304


def test_addresses_are_kept_changed_and_removed(shop: Doors, ada: dict[str, Any]) -> None:
    made = shop("POST", "/me/addresses", HOME, token=ada["token"])
    assert made.status == 201
    where = made.headers["Location"].removeprefix("/customer")
    changed = shop("PUT", where, {**HOME, "city": "Shelbyville"}, token=ada["token"], if_match=made.etag)
    assert changed.body["city"] == "Shelbyville"
    found = shop("GET", where, token=ada["token"])
    assert (found.body, found.etag) == (changed.body, changed.etag)
    assert shop("GET", where, token=customer()).status == 404
    assert shop("PUT", where, HOME, token=customer(), if_match=changed.etag).status == 404
    assert shop("DELETE", where, token=ada["token"]).status == 204
    assert shop("GET", "/me/addresses", token=ada["token"]).body["items"] == []


def test_an_address_with_a_wrong_field_says_where(shop: Doors, ada: dict[str, Any]) -> None:
    refused = shop("POST", "/me/addresses", {**HOME, "country": "USA"}, token=ada["token"])
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/country")


def test_staff_search_by_the_beginning_of_name_or_address(shop: Doors, ada: dict[str, Any]) -> None:
    token = staff("customers:read")
    found = shop("GET", f"/customers?text={ada['email'][:20]}", token=token).body["items"]
    assert ada["id"] in {one["id"] for one in found}
    assert shop("GET", "/customers?text=%25nobody", token=token).body["items"] == []


def test_a_suspended_customer_is_out(shop: Doors, ada: dict[str, Any]) -> None:
    token, where = staff("customers:write"), f"/customers/{ada['id']}/suspension"
    assert shop("PUT", where, token=token).body["status"] == "suspended"
    assert shop("POST", "/sessions", {"email": ada["email"], "password": PASSWORD}).status == 401
    assert shop("POST", "/sessions/refresh", {"refresh_token": ada["refresh"]}).status == 401
    with live.database.reading() as tx:
        rows = tx.all(
            "SELECT event FROM outbox WHERE type = 'admin.audited' AND event LIKE %(id)s", id=f"%{ada['id']}%"
        )
    assert len(rows) == 1
    assert shop("DELETE", where, token=token).body["status"] == "active"


def test_an_import_brings_each_customer_once(shop: Doors) -> None:
    batch = [NewCustomer(email=f"{new_id()}@example.com", name="Imported") for _ in range(3)]
    first = import_customers(batch, PASSWORD, now=utcnow(), database=live.database)
    again = import_customers(batch, PASSWORD, now=utcnow(), database=live.database)
    assert (first, again) == (3, 0)
    assert shop("POST", "/sessions", {"email": batch[0].email, "password": PASSWORD}).status == 201


def test_a_search_by_prefix_uses_an_index(shop: Doors) -> None:
    with live.database.transaction() as tx:
        tx.run("SET LOCAL enable_seqscan = off")
        plan = tx.all("EXPLAIN SELECT id FROM customers WHERE lower(email) LIKE 'ada%%' OR lower(name) LIKE 'ada%%'")
    assert "customers_email_prefix" in str(plan)
    assert "customers_name_prefix" in str(plan)
