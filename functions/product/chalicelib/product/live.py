"""Builds the real collaborators, lazily; cached for the life of the container."""

from chalicelib.product.answers import MongoAnswers
from chalicelib.product.browsing import MongoStorefront
from chalicelib.product.counters import MongoCounters
from chalicelib.product.engine import SearchIndex
from chalicelib.product.graph import PurchaseGraph
from chalicelib.product.replicas import MongoSources
from chalicelib.product.store import MongoProducts
from souk.elastic import Search
from souk.graph import Graph
from souk.mongo import PATIENT, Mongo

documents = Mongo("product")
patient = Mongo("product", answer=PATIENT)  # for imports, and for going through everything
search = Search("product")
graph = Graph("product")

products = MongoProducts(documents)
all_products = MongoProducts(patient)
sources = MongoSources(documents)
answers = MongoAnswers(documents)
shelves = MongoStorefront(documents)
index = SearchIndex(search)
purchases = PurchaseGraph(graph)
counters = MongoCounters(documents)
