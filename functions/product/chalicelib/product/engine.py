"""Elasticsearch behind the storefront: the index of products, written by the indexer alone, and what is asked of it.

Only what Elasticsearch and OpenSearch both have is used. Documents are never deleted: they carry their state.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec
from msgspec.structs import replace

from chalicelib.product.legible import filled
from chalicelib.product.model import ALL, Product
from chalicelib.product.storefront import (
    SORTS,
    Bucket,
    Facets,
    Found,
    PriceBucket,
    Row,
    Sort,
    Suggestion,
    Wanted,
    field,
    sorting,
)
from souk.elastic import Search
from souk.ids import is_id

INDEX = "products"  # an alias; the index behind it is numbered
BETWEEN = "\x1f"  # parts a category's id from its name in a facet's key
MOST_BUCKETS = 30
BOUNDS = (200, 500, 1_000, 2_000, 5_000)  # where price buckets begin and end, in minor units
BATCH = 250  # products written at once
WRITTEN = frozenset({200, 201, 409})  # 409: the index knows a later `rev`
SHORT, WHOLE = ["product"], ["product", "description"]
Body = dict[str, Any]


def document(product: Product) -> Body:
    """Return a product as the index keeps it: fields to find and sort it by, and itself to be shown.

    Itself is JSON in a text, which the engine hands back unread; the description, which only its own page shows, is apart.
    """
    details = product.details
    path = [] if product.category is None or product.category.removed else product.category.path
    texts = [details.title, details.brand, *(crumb.name for crumb in path), *_texts(product), details.description]
    return {
        "id": product.id,
        "rev": product.rev,
        "state": product.state,
        "slug": details.slug,
        "shelves": product.shelves,
        "title": details.title,
        "everything": texts,
        "brand": details.brand,
        "path": [f"{crumb.id}{BETWEEN}{crumb.name}" for crumb in path],
        "skus": [sku.sku for sku in details.skus],
        "in_stock": product.in_stock,
        "sold": product.sold,
        "sorting": sorting(product),
        "product": msgspec.json.encode(replace(product, details=replace(details, description=""))).decode(),
        "description": details.description,
    }


def _texts(product: Product) -> list[str]:
    """Return the values of attributes that are words."""
    attributes = [product.details.attributes, *(sku.attributes for sku in product.details.skus)]
    return [value for given in attributes for value in given.values() if isinstance(value, str)]


def question(wanted: Wanted, left_out: Sequence[str] = ()) -> Body:
    """Return the body of a search; some are left out of what it finds, and counted.

    What narrows by a facet is filtered after the facets are counted, and each facet counts what the other ones leave.
    """
    chosen = _chosen(wanted)
    body: Body = {
        "query": _query(wanted),
        "size": wanted.limit + 1,
        "sort": _sort(wanted),
        "_source": SHORT,
        "track_total_hits": wanted.facets,
    }
    if chosen or left_out:
        others = {"must_not": {"ids": {"values": list(left_out)}}} if left_out else {}
        body["post_filter"] = {"bool": {"filter": list(chosen.values()), **others}}
    if wanted.after:
        body["search_after"] = list(wanted.after)
    if wanted.facets:
        body["aggs"] = {name: _facet(name, asked, chosen) for name, asked in _facets(wanted).items()}
    return body


def _query(wanted: Wanted) -> Body:
    shelf = {"term": {"shelves": wanted.category}}
    if not wanted.text:
        return {"bool": {"filter": [shelf]}}
    said = {"query": wanted.text, "minimum_should_match": "3<75%"}
    alike = [
        {"match": {"title": {**said, "boost": 4}}},
        {"match_phrase": {"title": {"query": wanted.text, "boost": 4}}},
        {"match": {"everything": {**said, "boost": 2}}},
        {"match": {"everything": {**said, "fuzziness": "AUTO:4,7", "prefix_length": 1}}},
        {"term": {"skus": {"value": wanted.text, "boost": 20}}},
    ]
    found = {"bool": {"filter": [shelf], "should": alike, "minimum_should_match": 1}}
    often = {"field": "sold", "modifier": "ln2p", "missing": 0}
    return {"function_score": {"query": found, "field_value_factor": often, "boost_mode": "sum"}}


def _chosen(wanted: Wanted) -> dict[str, Body]:
    """Return the filters that shoppers chose among facets, by facet."""
    chosen: dict[str, Body] = {}
    if wanted.brands:
        chosen["brands"] = {"terms": {"brand": list(wanted.brands)}}
    bounds = {"gte": wanted.lowest, "lte": wanted.highest}
    if price := {sign: bound for sign, bound in bounds.items() if bound is not None}:
        chosen["prices"] = {"range": {f"sorting.price.{wanted.market}": price}}
    return chosen


def _facets(wanted: Wanted) -> Mapping[str, Body]:
    edges = (None, *BOUNDS, None)
    ranges = [
        {name: edge for name, edge in (("from", low), ("to", high)) if edge is not None}
        for low, high in pairwise(edges)
    ]
    return {
        "categories": {"terms": {"field": "path", "size": MOST_BUCKETS}},
        "brands": {"terms": {"field": "brand", "size": MOST_BUCKETS}},
        "prices": {"range": {"field": f"sorting.price.{wanted.market}", "ranges": ranges}},
    }


def _facet(name: str, asked: Body, chosen: Mapping[str, Body]) -> Body:
    others = [narrowed for kind, narrowed in chosen.items() if kind != name]
    return {"filter": {"bool": {"filter": others}}, "aggs": {"found": asked}}


def _sort(wanted: Wanted) -> list[Body]:
    """Return the order; every one ends with the id, so that no two products stand in the same place."""
    if wanted.sort is Sort.RELEVANCE:
        return [{"_score": "desc"}, {"id": "asc"}]
    order = SORTS[wanted.sort]
    way = "asc" if order.up else "desc"
    return [{field(order, wanted.market): way}, {"id": way}]


def beginning(typed: str, limit: int) -> Body:
    """Return the body of a search for titles that go on like what was typed; each title once."""
    alike = {"match": {"title.beginnings": {"query": typed, "operator": "and"}}}
    return {
        "query": {"bool": {"filter": [{"term": {"shelves": ALL}}], "must": [alike]}},
        "collapse": {"field": "sorting.title"},
        "sort": [{"sold": "desc"}, {"id": "asc"}],
        "size": limit,
        "_source": ["id", "slug", "title"],
    }


class SearchIndex:
    """The index as a storefront, and as what the indexer writes."""

    def __init__(self, search: Search) -> None:
        """Ask `search`."""
        self._search = search

    def find(self, wanted: Wanted) -> Found:
        """Return products in order, with facets and the total where asked for."""
        answer: Body = {}

        def ask(left_out: Sequence[str]) -> list[Body]:
            with self._search.client() as client:
                answer.update(client.search(index=INDEX, **question(wanted, left_out)).body)
            hits: list[Body] = answer["hits"]["hits"]
            return hits

        rows = filled(ask, _row)
        total = answer["hits"]["total"]["value"] if wanted.facets else None
        facets = _counted(answer["aggregations"]) if wanted.facets else None
        return Found(rows=rows, total=total, facets=facets)

    def suggest(self, typed: str, limit: int) -> list[Suggestion]:
        """Return products whose title has words that begin like what was typed."""
        with self._search.client() as client:
            answer = client.search(index=INDEX, **beginning(typed, limit)).body
        return [msgspec.convert(hit["_source"], Suggestion) for hit in answer["hits"]["hits"]]

    def show(self, id_or_slug: str) -> Product | None:
        """Return a published product."""
        named = {"term": {"id" if is_id(id_or_slug) else "slug": id_or_slug}}
        with self._search.client() as client:
            query = {"bool": {"filter": [{"term": {"shelves": ALL}}, named]}}
            hits = client.search(index=INDEX, query=query, size=1, source_includes=WHOLE).body["hits"]["hits"]
        return _product(hits[0]) if hits else None

    def write(self, products: Sequence[Product]) -> None:
        """Write products under their `rev`; one that the index knows better is left alone.

        The same `rev` is written again: how many were sold is counted beside it.
        """
        for start in range(0, len(products), BATCH):
            self._write_some(products[start : start + BATCH])

    def _write_some(self, products: Sequence[Product]) -> None:
        lines: list[Body] = []
        for one in products:
            lines += [{"index": {"_id": one.id, "version": one.rev, "version_type": "external_gte"}}, document(one)]
        with self._search.client() as client:
            answer = client.bulk(index=INDEX, operations=lines).body
        wrong = [item["index"]["error"] for item in answer["items"] if item["index"]["status"] not in WRITTEN]
        if wrong:
            raise ValueError(f"the index refused {len(wrong)} products: {wrong[0]}")


def _product(hit: Body) -> Product:
    kept = hit["_source"]
    product = msgspec.json.decode(kept["product"], type=Product)
    description = kept.get("description", "")
    return replace(product, details=replace(product.details, description=description)) if description else product


def _row(hit: Body) -> Row:
    return Row(_product(hit), (hit["sort"][0], hit["sort"][1]))


def _counted(answer: Body) -> Facets:
    counted = {name: facet["found"]["buckets"] for name, facet in answer.items()}
    categories = [(bucket["key"].split(BETWEEN), bucket["doc_count"]) for bucket in counted["categories"]]
    return Facets(
        categories=[Bucket(key=key, name=name, count=count) for (key, name), count in categories],
        brands=[Bucket(key=one["key"], name=one["key"], count=one["doc_count"]) for one in counted["brands"]],
        prices=[
            PriceBucket(count=one["doc_count"], least=_whole(one.get("from")), most=_whole(one.get("to")))
            for one in counted["prices"]
        ],
    )


def _whole(edge: float | None) -> int | None:
    return None if edge is None else int(edge)
