"""Builds the real collaborators, lazily; cached for the life of the container."""

from souk.postgres import Database

database = Database("cart")
