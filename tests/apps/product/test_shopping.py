"""Shoppers at the doors of the product service."""

from collections.abc import Callable
from typing import Any

import pytest
from apps.product.desk import Desk
from doors import event

from chalicelib.product import events, live
from chalicelib.product.browsing import MongoStorefront
from chalicelib.product.engine import SearchIndex
from chalicelib.product.graph import PurchaseGraph
from chalicelib.product.store import MongoProducts
from souk.elastic import Search
from souk.graph import Graph
from souk.ids import new_id
from souk.mongo import Mongo

pytestmark = pytest.mark.stores


def titles(reply: Any) -> list[str]:
    assert reply.status == 200, reply
    return [item["title"] for item in reply.body["items"]]


@pytest.fixture
def search_down(monkeypatch: pytest.MonkeyPatch, desk: Desk, closed_port: int) -> None:
    monkeypatch.setenv("NOWHERE_SEARCH_URL", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setattr(live, "index", SearchIndex(Search("nowhere")))


@pytest.fixture
def documents_down(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> Callable[[], None]:
    def take_down() -> None:
        monkeypatch.setenv("NOWHERE_MONGO_URL", f"mongodb://127.0.0.1:{closed_port}/souk")
        nowhere = Mongo("nowhere")
        monkeypatch.setattr(live, "shelves", MongoStorefront(nowhere))
        monkeypatch.setattr(live, "products", MongoProducts(nowhere))

    return take_down


@pytest.fixture
def graph_down(monkeypatch: pytest.MonkeyPatch, desk: Desk, closed_port: int) -> None:
    monkeypatch.setenv("NOWHERE_GRAPH_URL", f"bolt://neo4j:none@127.0.0.1:{closed_port}")
    monkeypatch.setattr(live, "purchases", PurchaseGraph(Graph("nowhere")))


def test_a_product_is_shown_by_its_slug_with_price_and_stock(desk: Desk) -> None:
    one = desk.published()
    desk.stock(one["skus"][0]["sku"], 3, 1)
    item = desk.doors("GET", f"/listing/{one['slug']}").body
    assert (item["price"]["amount"], item["in_stock"], item["skus"][0]["available"]) == (250, True, True)
    assert "changed_by" not in item


def test_an_item_that_has_not_changed_is_not_sent_again(desk: Desk) -> None:
    one = desk.published()
    tag = desk.doors("GET", f"/listing/{one['id']}").etag
    assert desk.doors("GET", f"/listing/{one['id']}", if_none_match=tag).status == 304
    desk.stock(one["skus"][0]["sku"], 3, 1)
    assert desk.doors("GET", f"/listing/{one['id']}", if_none_match=tag).status == 200


def test_what_is_taken_off_sale_is_gone_for_shoppers(desk: Desk) -> None:
    one = desk.move("DELETE", "/publication", desk.published())
    assert desk.doors("GET", f"/listing/{one['id']}").status == 404


def test_a_category_lists_what_is_below_it_page_by_page(desk: Desk) -> None:
    food = desk.category("Food")
    tea = desk.category("Tea", food)
    for price in (300, 100, 200):
        desk.published(f"Tea for {price}", price=price, category_id=tea.id)
    first = desk.doors("GET", f"/listing?category={food.id}&sort=price&limit=2")
    second = desk.doors("GET", f"/listing?category={food.id}&sort=price&limit=2&cursor={first.body['next']}")
    assert titles(first) + titles(second) == ["Tea for 100", "Tea for 200", "Tea for 300"]
    assert (second.body["next"], second.body["degraded"]) == (None, False)


def test_a_renamed_category_is_shown_under_its_new_name(desk: Desk) -> None:
    tea = desk.category("Tea")
    one = desk.published(category_id=tea.id)
    desk.category("Teas", known_as=tea.id, version=3)
    desk.category("Late", known_as=tea.id, version=2)
    desk.index(one["id"])
    assert desk.doors("GET", f"/listing/{one['id']}").body["category_path"][0]["name"] == "Teas"
    assert desk.doors("GET", f"/search?category={tea.id}").body["facets"]["categories"][0]["name"] == "Teas"


@pytest.mark.parametrize("text", ["oolong leaf", "olong", "OOLONG leafs", "acme oolong"])
def test_a_search_forgives_typos(desk: Desk, text: str) -> None:
    tea = desk.category("Tea")
    desk.published("Oolong leaf", brand="Acme", category_id=tea.id)
    desk.published("Black pot", category_id=tea.id)
    assert titles(desk.doors("GET", f"/search?q={text}&category={tea.id}")) == ["Oolong leaf"]


def test_facets_count_what_the_other_choices_leave(desk: Desk) -> None:
    food = desk.category("Food")
    tea = desk.category("Tea", food)
    for brand, price in (("Acme", 150), ("Acme", 900), ("Best", 160)):
        desk.published("Green tea", brand=brand, price=price, category_id=tea.id)
    found = desk.doors("GET", f"/search?q=tea&category={food.id}&brand=Acme&max_price=500").body
    assert found["total"] == 1
    facets = found["facets"]
    assert {one["key"]: one["count"] for one in facets["brands"]} == {"Acme": 1, "Best": 1}
    assert [one["count"] for one in facets["prices"] if one["count"]] == [1, 1]
    assert {one["name"]: one["count"] for one in facets["categories"]} == {"Food": 1, "Tea": 1}


def test_several_brands_are_chosen_whatever_is_in_their_names(desk: Desk) -> None:
    tea = desk.category("Tea")
    for title, brand in (("Mint", "Leaf, Root & Co."), ("Sage", "Root & Co."), ("Lime", "Acme")):
        desk.published(title, brand=brand, category_id=tea.id)
    path = f"/search?category={tea.id}&facets=false"
    chosen = f"{path}&brand=Leaf%2C%20Root%20%26%20Co."
    assert titles(desk.doors("GET", chosen)) == ["Mint"]
    assert sorted(titles(desk.doors("GET", f"{chosen}&brand=Acme"))) == ["Lime", "Mint"]
    refused = desk.doors("GET", f"{path}&brand=Acme&brand={'x' * 201}")
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/brand/1")


def test_pages_of_a_search_neither_skip_nor_repeat(desk: Desk) -> None:
    tea = desk.category("Tea")
    for number in range(3):
        desk.published(f"Green tea {number}", category_id=tea.id)
    seen, path = [], f"/search?q=green%20tea&category={tea.id}&limit=1&facets=false"
    reply = desk.doors("GET", path)
    while reply.body["next"]:
        seen += titles(reply)
        reply = desk.doors("GET", f"{path}&cursor={reply.body['next']}")
    assert sorted([*seen, *titles(reply)]) == ["Green tea 0", "Green tea 1", "Green tea 2"]


@pytest.mark.parametrize(
    "query", ["sort=relevance", "limit=0", "cursor=made-up", "market=moon", "colour=red", "sort=title&cursor=kgGhYQ"]
)
def test_a_wrong_question_is_invalid(desk: Desk, query: str) -> None:
    assert desk.doors("GET", f"/listing?{query}").status == 422


def test_beginnings_suggest_titles(desk: Desk) -> None:
    word = f"zest{new_id()[-8:]}"
    desk.published(f"Lemon {word}")
    assert titles(desk.doors("GET", f"/suggestions?q=lem%20{word[:9]}")) == [f"Lemon {word}"]


def test_what_was_bought_together_is_recommended(desk: Desk) -> None:
    tea, milk, pot = (desk.published(title) for title in ("Tea", "Milk", "Pot"))
    order = desk.ordered(tea, milk)
    for consumer in ("product-graph", "product-graph", "product-sales", "product-sales"):
        desk.takes(consumer, order)
    found = desk.doors("GET", f"/recommendations?product={tea['id']}&limit=1").body
    assert ([one["id"] for one in found["items"]], found["together"]) == ([milk["id"]], 1)
    assert desk("GET", f"/products/{milk['id']}").body["sold"] == 1
    assert desk("GET", f"/products/{pot['id']}").body["sold"] == 0


def test_what_sells_best_comes_first(desk: Desk) -> None:
    tea = desk.category("Tea")
    few, many = (desk.published(title, category_id=tea.id) for title in ("Few", "Many"))
    desk.takes("product-sales", desk.ordered(few, quantity=2), desk.ordered(many, quantity=5))
    for seller in (few, many):
        desk.index(seller["id"])
    assert titles(desk.doors("GET", f"/listing?category={tea.id}&sort=best-selling")) == ["Many", "Few"]


def test_without_the_search_engine_mongodb_answers(desk: Desk, search_down: None) -> None:
    tea = desk.category("Tea")
    one = desk.move("PUT", "/publication", desk.made("Oolong leaf", category_id=tea.id))
    for path in (f"/search?q=oolong&category={tea.id}", f"/listing?category={tea.id}"):
        reply = desk.doors("GET", path)
        assert (titles(reply), reply.body["degraded"]) == (["Oolong leaf"], True)
    assert desk.doors("GET", "/suggestions?q=oolo").body["degraded"] is True
    assert desk.doors("GET", f"/listing/{one['id']}").body["degraded"] is False


def test_the_indexer_waits_for_a_search_engine_that_is_down(desk: Desk, search_down: None) -> None:
    one = desk.made()
    looked = event(events.Changed(product_id=one["id"], rev=1))
    answer = desk.doors.deliver("product-index", looked)
    assert answer == {"batchItemFailures": [{"itemIdentifier": looked.id}], "refused": []}


def test_without_mongodb_the_search_engine_shows_products(desk: Desk, documents_down: Callable[[], None]) -> None:
    one = desk.published("Oolong leaf")
    documents_down()
    item = desk.doors("GET", f"/listing/{one['id']}").body
    assert (item["title"], item["degraded"]) == ("Oolong leaf", True)
    assert desk.doors("GET", "/listing?limit=1").status == 200
    edit = desk("PATCH", f"/products/{one['id']}", {"title": "New"}, if_match='"2"')
    assert (edit.status, edit.headers["Retry-After"]) == (503, "2")


def test_without_the_graph_best_sellers_are_recommended(desk: Desk, graph_down: None) -> None:
    tea = desk.category("Tea")
    one, few, many = (desk.published(title, category_id=tea.id) for title in ("One", "Few", "Many"))
    desk.takes("product-sales", desk.ordered(few, quantity=2), desk.ordered(many, quantity=5))
    found = desk.doors("GET", f"/recommendations?product={one['id']}&limit=2").body
    assert ([item["title"] for item in found["items"]], found["degraded"]) == (["Many", "Few"], True)
