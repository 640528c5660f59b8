"""The catalog service's doors, with its real database."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from doors import Doors, doors, staff

from chalicelib.catalog import live
from chalicelib.catalog.imports import category_id, import_categories, import_product_type
from chalicelib.catalog.resync import resync
from souk.clock import utcnow
from souk.ids import new_id

pytestmark = pytest.mark.stores


@pytest.fixture
def catalog(stores: dict[str, str]) -> Iterator[Doors]:
    with doors("catalog") as opened:
        yield opened


@pytest.fixture
def writer(stores: dict[str, str]) -> str:
    return staff("catalog:read", "catalog:write")


def category(catalog: Doors, writer: str, parent: str | None = None, name: str = "") -> dict[str, Any]:
    wish = {"name": name or f"c {new_id()}", "parent_id": parent}
    made = catalog("POST", "/categories", wish, token=writer)
    assert made.status == 201, made
    body: dict[str, Any] = made.body
    return body


def told(aggregate: str) -> list[dict[str, Any]]:
    """Return what the outbox says about a category, in the order of its versions."""
    with live.database.reading() as tx:
        rows = tx.all("SELECT event FROM outbox WHERE event LIKE %(id)s", id=f'%"aggregate":"{aggregate}"%')
    return sorted((msgspec.json.decode(row["event"]) for row in rows), key=lambda event: event["version"])


def test_the_tree_shows_what_was_created(catalog: Doors, writer: str) -> None:
    root = category(catalog, writer)
    child = category(catalog, writer, root["id"])
    tree = catalog("GET", "/categories").body["items"]
    shown = next(one for one in tree if one["id"] == root["id"])
    assert [one["id"] for one in shown["children"]] == [child["id"]]
    assert [step["id"] for step in child["path"]] == [root["id"], child["id"]]


def test_a_rename_tells_the_new_path_of_everything_below(catalog: Doors, writer: str) -> None:
    root = category(catalog, writer)
    child = category(catalog, writer, root["id"])
    renamed = catalog("PATCH", f"/categories/{root['id']}", {"name": "Fruit & Veg"}, token=writer, if_match='"1"')
    assert (renamed.status, renamed.body["slug"]) == (200, "fruit-veg")
    last = told(child["id"])[-1]
    assert last["version"] == 2
    assert last["data"]["path"][0]["name"] == "Fruit & Veg"
    catalog("DELETE", f"/categories/{child['id']}", token=writer, if_match='"2"')
    catalog("DELETE", f"/categories/{root['id']}", token=writer, if_match='"2"')


def test_a_category_cannot_be_moved_below_itself(catalog: Doors, writer: str) -> None:
    root = category(catalog, writer)
    child = category(catalog, writer, root["id"])
    where = f"/categories/{root['id']}/position"
    refused = catalog("PUT", where, {"parent_id": child["id"]}, token=writer, if_match='"1"')
    assert (refused.status, refused.body["type"]) == (409, "urn:souk:problem:cycle")


def test_a_move_needs_the_version_that_was_seen(catalog: Doors, writer: str) -> None:
    first, second = category(catalog, writer), category(catalog, writer)
    where, place = f"/categories/{first['id']}/position", {"parent_id": second["id"]}
    assert catalog("PUT", where, place, token=writer).status == 428
    assert catalog("PUT", where, place, token=writer, if_match='"9"').status == 412
    assert catalog("PUT", where, place, token=writer, if_match='"1"').body["parent_id"] == second["id"]


def test_siblings_have_names_of_their_own(catalog: Doors, writer: str) -> None:
    root = category(catalog, writer)
    category(catalog, writer, root["id"], "Wine")
    refused = catalog("POST", "/categories", {"name": "wine", "parent_id": root["id"]}, token=writer)
    assert (refused.status, refused.body["type"]) == (409, "urn:souk:problem:name-taken")


def test_only_an_empty_category_is_removed_and_others_are_told(catalog: Doors, writer: str) -> None:
    root = category(catalog, writer)
    child = category(catalog, writer, root["id"])
    assert catalog("DELETE", f"/categories/{root['id']}", token=writer, if_match='"1"').status == 409
    assert catalog("DELETE", f"/categories/{child['id']}", token=writer, if_match='"1"').status == 204
    assert catalog("GET", f"/categories/{child['id']}").status == 404
    assert told(child["id"])[-1]["data"]["state"] == "removed"


def test_product_types_have_typed_attributes(catalog: Doors, writer: str) -> None:
    code = "t" + new_id()[-12:]
    attributes = [
        {"name": "vintage", "type": "number"},
        {"name": "color", "type": "choice", "choices": ["red", "white"]},
    ]
    made = catalog("POST", "/product-types", {"code": code, "name": "Wine", "attributes": attributes}, token=writer)
    assert (made.status, len(made.body["attributes"])) == (201, 2)
    again = catalog("POST", "/product-types", {"code": code, "name": "Wine"}, token=writer)
    assert again.status == 409
    where = f"/product-types/{made.body['id']}"
    edited = catalog("PUT", where, {"name": "Wines"}, token=writer, if_match=made.etag)
    assert (edited.body["name"], edited.body["attributes"], edited.body["version"]) == ("Wines", [], 2)
    assert catalog("DELETE", where, token=writer, if_match=edited.etag).status == 204
    assert catalog("GET", where, token=writer).status == 404


def test_attributes_that_contradict_themselves_are_refused_with_their_place(catalog: Doors, writer: str) -> None:
    wish = {"code": "bad", "name": "Bad", "attributes": [{"name": "color", "type": "choice"}]}
    refused = catalog("POST", "/product-types", wish, token=writer)
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/attributes/0/choices")


def test_an_import_adds_what_is_not_there_yet_and_resync_tells_it_again(catalog: Doors) -> None:
    mark, now = new_id(), utcnow()
    paths = [(mark, "DRINKS", "WINE"), (mark, "DRINKS", "BEER")]
    with live.catalog() as store:
        assert import_categories(paths, now=now, store=store) == 4
    with live.catalog() as store:
        assert import_categories(paths, now=now, store=store) == 0
    assert resync(now) >= 4


def test_what_staff_removed_is_imported_again_at_its_next_version(catalog: Doors) -> None:
    name, now = new_id(), utcnow()
    with live.catalog() as store:
        assert import_categories([(name,)], now=now, store=store) == 1
        kind = import_product_type(name, name, (), now=now, store=store)
    for where in (f"/categories/{category_id((name,))}", f"/product-types/{kind.id}"):
        assert catalog("DELETE", where, token=staff("catalog:write"), if_match='"1"').status == 204
    with live.catalog() as store:
        assert import_categories([(name,)], now=now, store=store) == 1
        assert import_product_type(name, name, (), now=now, store=store).version == 3
        assert store.tree().by_id[category_id((name,))].version == 3
