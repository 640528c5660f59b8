"""Builds the real collaborators, lazily; cached for the life of the container."""

from souk.mongo import Mongo
from souk.postgres import Database

database = Database("order")
documents = Mongo("order")
