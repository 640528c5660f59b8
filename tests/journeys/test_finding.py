"""Finding things: search, shelves and recommendations, from the staff's change to what shoppers see."""

from typing import Any

import pytest
from journeys.keeper import Goods, Keeper, Shopper, slip, word

from souk_local.patience import until

pytestmark = [pytest.mark.journey, pytest.mark.stores, pytest.mark.timeout(180, func_only=True)]


def search(keeper: Keeper, **wanted: object) -> dict[str, Any]:
    """Return the page of products found."""
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    found: dict[str, Any] = keeper.shop.get(f"/product/search?{query}").body
    return found


def found(keeper: Keeper, goods: Goods, **wanted: object) -> None:
    """Wait until a search finds a product."""
    until(lambda: goods.id in ids(search(keeper, **wanted)), f"{goods.title} to be found by {wanted}")


def ids(page: dict[str, Any]) -> set[str]:
    return {one["id"] for one in page["items"]}


def matters(shopper: Shopper) -> list[str]:
    """Return what is the matter with the first line of a cart."""
    return [one["code"] for one in shopper.look().body["lines"][0]["problems"]]


def test_search_forgives_a_slip_of_the_finger(keeper: Keeper) -> None:
    name = word()
    goods = keeper.goods(f"Silver {name}")
    found(keeper, goods, q=name)
    assert ids(search(keeper, q=slip(name))) == {goods.id}
    assert ids(search(keeper, q=f"silver+{slip(name)}")) == {goods.id}


def test_search_narrows_by_category_and_price(keeper: Keeper) -> None:
    name = word()
    above = keeper.category(f"Home {name}")
    below = keeper.category(f"Lamps {name}", above)
    cheap = keeper.goods(f"{name} candle", price=500, category=above)
    dear = keeper.goods(f"{name} lamp", price=9000, category=below)
    found(keeper, cheap, q=name, category=above)
    found(keeper, dear, q=name, category=below)
    found(keeper, dear, q=name, category=above)
    assert ids(search(keeper, q=name, category=below)) == {dear.id}
    assert ids(search(keeper, q=name, max_price=1000)) == {cheap.id}
    assert ids(search(keeper, q=name, min_price=1000, max_price=9000)) == {dear.id}
    whole = search(keeper, q=name)
    assert (whole["total"], whole["degraded"]) == (2, False)
    counted = {one["name"]: one["count"] for one in whole["facets"]["categories"]}
    assert counted[f"Lamps {name}"] == 1
    shelf = keeper.shop.get(f"/product/listing?category={above}&sort=price").body
    assert [one["id"] for one in shelf["items"]] == [cheap.id, dear.id]


def test_what_was_withdrawn_and_recovered_is_the_same_product(keeper: Keeper) -> None:
    name = word()
    goods, ada = keeper.goods(name), keeper.customer()
    where = f"/product/products/{goods.id}"
    found(keeper, goods, q=name)
    ada.add(goods)
    withdrawn = keeper.ask("DELETE", f"{where}/publication", expect=200, if_match=keeper.product(goods).etag)
    until(lambda: not ids(search(keeper, q=name)), "it to be found no more")
    assert keeper.shop.ask("GET", f"/product/listing/{goods.id}").status == 404
    until(lambda: matters(ada) == ["no-longer-sold"], "the cart to say so")
    trashed = keeper.ask("DELETE", where, expect=200, if_match=withdrawn.etag)
    back = keeper.ask("POST", f"{where}/recovery", expect=200, if_match=trashed.etag)
    assert (back.body["id"], back.body["skus"][0]["sku"]) == (goods.id, goods.sku)
    keeper.ask("PUT", f"{where}/publication", expect=200, if_match=back.etag)
    found(keeper, goods, q=name)
    until(lambda: not matters(ada), "the cart to offer it again")
    assert ada.outcome(ada.submit(ada.quote()).body["order_id"])["status"] == "placed"


def test_recommendations_learn_from_orders(keeper: Keeper) -> None:
    pen, ink, paper = keeper.goods("Pen"), keeper.goods("Ink"), keeper.goods("Paper")
    where = f"/product/recommendations?product={pen.id}"
    assert keeper.shop.get(where).body["together"] == 0
    assert keeper.customer("Ada").buy(pen, ink)["status"] == "placed"
    assert keeper.stranger().buy(pen, ink, paper)["status"] == "placed"
    page = until(lambda: counted(keeper.shop.get(where).body, 2), "both to be recommended")
    together = [one["id"] for one in page["items"][:2]]
    assert together == [ink.id, paper.id]
    assert page["degraded"] is False
    until(lambda: keeper.product(pen).body["sold"] == 2, "what was sold to be counted")


def counted(page: dict[str, Any], number: int) -> dict[str, Any] | None:
    return page if page["together"] == number else None


def test_a_categorys_new_name_reaches_its_products(keeper: Keeper) -> None:
    name = word()
    above = keeper.category(f"Old {name}")
    goods = keeper.goods(name, category=keeper.category("Below", above))
    found(keeper, goods, q=name, category=above)
    where = f"/catalog/categories/{above}"
    seen = keeper.shop.get(where)
    keeper.ask("PATCH", where, {"name": f"New {name}"}, expect=200, if_match=seen.etag)

    def path() -> list[str]:
        return [one["name"] for one in keeper.shop.get(f"/product/listing/{goods.id}").body["category_path"]]

    until(lambda: path() == [f"New {name}", "Below"], "the product's page to have the new name")
    until(lambda: f"New {name}" in str(search(keeper, q=name)["facets"]["categories"]), "the facets to have it")


def test_stock_reaches_the_shelf_and_the_cart(keeper: Keeper) -> None:
    goods, ada = keeper.goods(stock=1), keeper.customer()
    ada.add(goods, 2)
    until(lambda: matters(ada) == ["not-enough"], "the cart to say so")
    more = {"change": 5, "reason": "received"}
    keeper.ask("POST", f"/order/stock/{goods.sku}/adjustments", more, expect=201)
    until(lambda: ada.look().body["lines"][0]["available"] == 6, "the cart to have heard of it")
    none = {"change": -6, "reason": "lost"}
    keeper.ask("POST", f"/order/stock/{goods.sku}/adjustments", none, expect=201)

    until(lambda: not keeper.shop.get(f"/product/listing/{goods.id}").body["in_stock"], "the shelf to be empty")
