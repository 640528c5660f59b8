"""Builds the real collaborators, lazily; cached for the life of the container."""

from souk.elastic import Search
from souk.graph import Graph
from souk.mongo import Mongo

documents = Mongo("product")
search = Search("product")
graph = Graph("product")
