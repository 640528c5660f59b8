"""Staff at the doors of the product service."""

from datetime import timedelta
from typing import Any

import pytest
from apps.product.desk import Desk, told
from doors import event

from chalicelib.product import events, live
from chalicelib.product.product_types import Attribute, Kind
from chalicelib.product.resync import resync
from souk.clock import utcnow
from souk.ids import new_id

pytestmark = pytest.mark.stores


def test_a_product_is_made_and_read(desk: Desk) -> None:
    reply = desk("POST", "/products", desk.wish("Green tea", brand="Acme"))
    assert (reply.status, reply.etag) == (201, '"1"')
    assert reply.headers["Location"] == f"/product/products/{reply.body['id']}"
    assert desk("GET", f"/products/{reply.body['id']}").body == reply.body


def test_a_product_has_a_class_of_tax_that_others_are_told(desk: Desk) -> None:
    assert desk.made()["tax_class"] == "standard"
    book = desk.move("PUT", "/publication", desk.made("A book", tax_class="reduced"))
    edited = desk("PATCH", f"/products/{book['id']}", {"tax_class": "zero"}, if_match=f'"{book["version"]}"')
    assert (book["tax_class"], edited.body["tax_class"]) == ("reduced", "zero")
    (said,) = [one.read(events.Published).tax_class for one in told(book["id"]) if one.type == events.Published.TYPE]
    assert said == "zero"


def test_the_same_key_gets_the_same_answer(desk: Desk) -> None:
    key, wish = new_id(), desk.wish()
    first = desk("POST", "/products", wish, idempotency_key=key)
    again = desk("POST", "/products", wish, idempotency_key=key)
    assert (again.status, again.body, again.headers["Idempotent-Replayed"]) == (201, first.body, "true")


def test_the_same_key_for_something_else_is_invalid(desk: Desk) -> None:
    key = new_id()
    desk("POST", "/products", desk.wish(), idempotency_key=key)
    assert desk("POST", "/products", desk.wish(), idempotency_key=key).status == 422


def test_a_refusal_is_an_answer_too(desk: Desk) -> None:
    taken, key = desk.wish(), new_id()
    desk("POST", "/products", taken)
    first = desk("POST", "/products", taken, idempotency_key=key)
    again = desk("POST", "/products", taken, idempotency_key=key)
    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (409, 409, "true")


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"title": ""}, "/title"),
        ({"slug": "No Slug"}, "/slug"),
        ({"skus": [{"sku": "a b"}]}, "/skus/0/sku"),
        ({"skus": [{"sku": "a", "prices": {"default": {"amount": 1.5, "currency": "USD"}}}]}, "/skus/0/prices"),
        ({"skus": [{"sku": "a", "prices": {"default": {"amount": 1, "currency": "EUR"}}}]}, "/skus/0/prices/default/currency"),
        ({"product_type": "unheard-of"}, "/product_type"),
        ({"tax_class": "none"}, "/tax_class"),
        ({"category_id": "unheard-of"}, "/category_id"),
        ({"colour": "red"}, "/colour"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_pointed_at(desk: Desk, wrong: dict[str, Any], pointer: str) -> None:
    reply = desk("POST", "/products", {**desk.wish(), **wrong})
    assert (reply.status, reply.body["errors"][0]["pointer"]) == (422, pointer)


def test_attributes_fit_their_type(desk: Desk) -> None:
    code = new_id()
    leaf = Attribute(name="leaf", type=Kind.CHOICE, choices=["whole", "broken"], required=True)
    fact = events.ProductTypeChanged(product_type_id=new_id(), code=code, name="Tea", attributes=[leaf])
    desk.takes("product-types", event(fact))
    assert desk.made(product_type=code, attributes={"leaf": "whole"})["attributes"] == {"leaf": "whole"}
    reply = desk("POST", "/products", desk.wish(product_type=code, attributes={"leaf": "dust"}))
    assert reply.body["errors"] == [{"pointer": "/attributes/leaf", "detail": "is one of whole, broken"}]


def test_an_edit_needs_the_version_that_was_seen(desk: Desk) -> None:
    path = f"/products/{desk.made()['id']}"
    assert desk("PATCH", path, {"title": "New"}).status == 428
    assert desk("PATCH", path, {"title": "New"}, if_match='"7"').status == 412
    edited = desk("PATCH", path, {"title": "New"}, if_match='"1"')
    assert (edited.status, edited.etag, edited.body["title"]) == (200, '"2"', "New")


def test_a_product_is_published_once_it_can_be_sold(desk: Desk) -> None:
    bare = desk.made(skus=[{"sku": new_id()}])
    assert desk("PUT", f"/products/{bare['id']}/publication", if_match='"1"').status == 409
    assert desk.move("PUT", "/publication", desk.made())["state"] == "published"


def test_a_product_comes_back_from_the_trash_as_it_was(desk: Desk) -> None:
    one = desk.published()
    trashed = desk.move("DELETE", "", one)
    assert desk("PATCH", f"/products/{one['id']}", {"title": "New"}, if_match=f'"{trashed["version"]}"').status == 409
    back = desk.move("POST", "/recovery", trashed)
    assert (back["id"], back["skus"], back["state"]) == (one["id"], one["skus"], "draft")


def test_every_step_is_told_to_others_and_to_the_auditor(desk: Desk) -> None:
    one = desk.move("DELETE", "", desk.move("PUT", "/publication", desk.made()))
    said = told(one["id"])
    assert {each.type for each in said} == {"product.published", "product.trashed", "product.changed", "admin.audited"}
    assert [each.version for each in said if each.type == "product.trashed"] == [3]
    assert sum(each.type == "admin.audited" for each in said) == 3


def test_the_history_shows_what_a_product_was(desk: Desk) -> None:
    one = desk.made("Old")
    desk("PATCH", f"/products/{one['id']}", {"title": "New"}, if_match='"1"')
    first = desk("GET", f"/products/{one['id']}/versions?limit=1").body
    second = desk("GET", f"/products/{one['id']}/versions?limit=1&cursor={first['next']}").body
    assert [each["title"] for each in (*first["items"], *second["items"])] == ["New", "Old"]


def test_staff_list_products_in_any_state(desk: Desk) -> None:
    tea = desk.category("Tea")
    made = [desk.made(f"Tea {number}", category_id=tea.id)["id"] for number in range(3)]
    first = desk("GET", f"/products?category={tea.id}&state=draft&limit=2").body
    second = desk("GET", f"/products?category={tea.id}&state=draft&limit=2&cursor={first['next']}").body
    assert [each["id"] for each in (*first["items"], *second["items"])] == made[::-1]


def test_a_made_up_cursor_is_invalid(desk: Desk) -> None:
    assert desk("GET", "/products?cursor=made-up").status == 422
    assert desk("GET", "/products?colour=red").status == 422


def test_resync_tells_again_how_products_are(desk: Desk) -> None:
    one = desk.published()
    with live.documents.documents() as documents:
        documents.products.update_one({"_id": one["id"]}, {"$set": {"outbox": []}})
    assert resync(utcnow() - timedelta(seconds=30)) > 0
    assert [each.type for each in told(one["id"])] == ["product.published", "product.changed"]


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({"details.slug": "a"}, "slug"),
        ({"codes": "a"}, "sku"),
        ({"details.category_id": "a"}, "category"),
        ({"shelves": "a"}, "shelf-"),
    ],
)
def test_what_is_asked_often_is_found_by_an_index(stores: dict[str, str], asked: dict[str, Any], index: str) -> None:
    with live.documents.documents() as documents:
        plan = documents.command("explain", {"find": "products", "filter": asked}, verbosity="queryPlanner")
    scan = plan["queryPlanner"]["winningPlan"]["inputStage"]
    assert (scan["stage"], scan["indexName"].startswith(index)) == ("IXSCAN", True)
