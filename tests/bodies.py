"""Request bodies made from a door's schema: a good one, and every way to spoil one place of it."""

import copy
import re
from collections.abc import Iterator, Mapping
from typing import Any

from souk.openapi import describe
from souk_cli.apps import app as load

Place = tuple[str | int, ...]
WRONG: Mapping[str, Any] = {
    "string": 17,
    "integer": "many",
    "number": "much",
    "boolean": "yes",
    "array": 17,
    "object": 17,
}
"""For each type a value of another one."""
TEXTS = ("x" * 10, "US", "USD", "en", "ada@example.com", "2026-01-01T00:00:00Z", "00000000-0000-7000-8000-000000000000")
"""Texts of which one fits every pattern that doors have."""
FORMS = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01"}
SOME = "default"  # a key of a table whose keys are free
HOSTILE: tuple[Any, ...] = (
    "\0",
    "a\0b",
    "x" * 20_000,
    "\u202e",
    "",
    "-1",
    "../..",
    "'; DROP TABLE orders; --",
    -1,
    2**31,
    2**63,
    10**30,
    1e308,
    None,
    [],
    {},
)
"""Values that a careless door passes on to a store that cannot bear them."""


class Shape:
    """The schema of one body or query, with what it refers to."""

    def __init__(self, schema: Mapping[str, Any], components: Mapping[str, Any]) -> None:
        self._schema, self._components = schema, components

    def good(self) -> Any:
        """Return a value that fits, with every field filled in."""
        return self._example(self._schema)

    def required(self) -> list[str]:
        """Return the names of the fields that have to be there."""
        return list(self._resolved(self._schema).get("required", ()))

    def places(self) -> Iterator[tuple[Place, str]]:
        """Give every place of a good value whose type is known and single, with that type."""
        yield from self._places(self._schema, ())

    def objects(self) -> Iterator[Place]:
        """Give every place where a good value has an object of known fields."""
        for place, kind in self.places():
            if kind == "object" and SOME not in self._at(place):
                yield place

    def _at(self, place: Place) -> Any:
        inside = self.good()
        for step in place:
            inside = inside[step]
        return inside

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" in schema:
            return self._resolved(self._components[schema["$ref"].rsplit("/", 1)[1]])
        if "anyOf" in schema:
            return self._resolved(next(one for one in schema["anyOf"] if one.get("type") != "null"))
        return schema

    def _example(self, given: Mapping[str, Any]) -> Any:  # noqa: C901, PLR0911 - one case per type
        schema = self._resolved(given)
        if "enum" in schema:
            return schema["enum"][0]
        match schema.get("type"):
            case "object" if "properties" in schema:
                return {name: self._example(one) for name, one in schema["properties"].items()}
            case "object" if isinstance(schema.get("additionalProperties"), dict):
                return {SOME: self._example(schema["additionalProperties"])}
            case "object":
                return {}
            case "array":
                return [self._example(schema["items"])] if "items" in schema else []
            case "string":
                return _text(schema)
            case "integer" | "number":
                return max(1, schema.get("minimum", 1))
            case "boolean":
                return True
        return "anything"

    def _places(self, given: Mapping[str, Any], at: Place) -> Iterator[tuple[Place, str]]:
        schema = self._resolved(given)
        kind = schema.get("type", "string" if "enum" in schema else "")
        if not kind or len([one for one in given.get("anyOf", ()) if one.get("type") != "null"]) > 1:
            return
        yield at, kind
        if isinstance(values := schema.get("additionalProperties"), dict):
            yield from self._places(values, (*at, SOME))
        for name, one in schema.get("properties", {}).items():
            yield from self._places(one, (*at, name))
        if kind == "array" and "items" in schema:
            yield from self._places(schema["items"], (*at, 0))


def _text(schema: Mapping[str, Any]) -> str:
    if form := schema.get("format"):
        return FORMS[form]
    return next(text for text in TEXTS if re.search(schema.get("pattern", ""), text))


def spoiled(good: Any, place: Place, value: Any) -> Any:
    """Return `good` with something else at a place; the empty place is all of it."""
    if not place:
        return value
    other = copy.deepcopy(good)
    inside = other
    for step in place[:-1]:
        inside = inside[step]
    inside[place[-1]] = value
    return other


def pointer(place: Place) -> str:
    """Return a place as a JSON pointer; inside a table whose keys are free it is the table that is pointed at."""
    known = place[: place.index(SOME)] if SOME in place else place
    return "".join(f"/{step}" for step in known)


def body(service: str, path: str, method: str) -> Shape | None:
    """Return the shape of what a door reads; None where it reads no body."""
    document = describe(load(service))
    asked = document["paths"][path][method.lower()].get("requestBody")
    components = document["components"]["schemas"]
    return Shape(asked["content"]["application/json"]["schema"], components) if asked else None
