"""How often each request of a shopper who looks around asks each store."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit, urlunsplit

import pytest
from apps.product.desk import Desk
from pymongo import monitoring
from turns import Turns, counted

from chalicelib.product import live
from chalicelib.product.browsing import MongoStorefront
from chalicelib.product.engine import SearchIndex
from chalicelib.product.graph import PurchaseGraph
from souk.elastic import Search
from souk.graph import Graph
from souk.mongo import Mongo

pytestmark = pytest.mark.stores
ASKED: Counter[str] = Counter()
QUESTIONS = {"find", "aggregate", "getMore", "insert", "update", "findAndModify", "count"}


class Listener(monitoring.CommandListener):
    """Counts what a client of MongoDB asks."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        ASKED["mongo"] += event.command_name in QUESTIONS

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Count nothing."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Count nothing."""


monitoring.register(Listener())


class Wires:
    """A shopper at the doors, and the wires behind them."""

    def __init__(self, desk: Desk, search: Turns, graph: Turns) -> None:
        self._desk, self._search, self._graph = desk, search, graph

    def asked(self, path: str) -> dict[str, int]:
        """Ask twice, as a first request connects; return what the second one took."""
        assert self._desk.doors("GET", path).status == 200
        ASKED.clear()
        self._search.taken(), self._graph.taken()
        assert self._desk.doors("GET", path).status == 200
        return {"mongo": ASKED["mongo"], "search": self._search.taken(), "graph": self._graph.taken()}


@pytest.fixture
def wires(stores: dict[str, str], desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wires]:
    with ExitStack() as open_wires:
        turns = {}
        for name in ("SEARCH_URL", "GRAPH_URL"):
            url = urlsplit(stores[f"PRODUCT_{name}"])
            turns[name] = open_wires.enter_context(counted(str(url.hostname), url.port or 0))
            account = url.netloc.rpartition("@")[0]
            netloc = f"{account}@127.0.0.1:{turns[name].port}" if account else f"127.0.0.1:{turns[name].port}"
            monkeypatch.setenv(f"COUNTED_{name}", urlunsplit(url._replace(netloc=netloc)))
        monkeypatch.setenv("COUNTED_MONGO_URL", stores["PRODUCT_MONGO_URL"])
        graph = Graph("counted")
        monkeypatch.setattr(live, "index", SearchIndex(Search("counted")))
        monkeypatch.setattr(live, "purchases", PurchaseGraph(graph))
        monkeypatch.setattr(live, "shelves", MongoStorefront(Mongo("counted")))  # a client made now is listened to
        yield Wires(desk, turns["SEARCH_URL"], turns["GRAPH_URL"])
        graph._connected().close()


def took(*, mongo: int = 0, search: int = 0, graph: int = 0) -> dict[str, int]:
    return {"mongo": mongo, "search": search, "graph": graph}


def test_a_list_a_search_with_facets_and_suggestions_ask_the_search_engine_once(wires: Wires) -> None:
    for path in ("/listing", "/listing?sort=price", "/search?q=tea", "/search?q=tea&facets=false", "/suggestions?q=te"):
        assert wires.asked(path) == took(search=1), path


def test_a_products_page_asks_mongodb_once(desk: Desk, wires: Wires) -> None:
    one = desk.published()
    for name in (one["id"], one["slug"]):
        assert wires.asked(f"/listing/{name}") == took(mongo=1)


def test_recommendations_ask_each_store_once_where_little_was_bought(desk: Desk, wires: Wires) -> None:
    one = desk.published()
    assert wires.asked(f"/recommendations?product={one['id']}") == took(mongo=1, graph=1, search=1)
