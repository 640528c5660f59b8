"""OpenAPI 3.1 of an app, generated from its doors."""

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from souk.doors import Door, Takes
from souk.problems import Problem

_REF = "#/components/schemas/{name}"
_PART = re.compile(r"\{(\w+)\}")
_TEXT = {"type": "string"}
_SEEN = {"name": "If-Match", "in": "header", "schema": _TEXT, "description": "The ETag of what was read"}
_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {**_TEXT, "minLength": 1, "maxLength": 255},
    "description": "The same key and body within 24 hours get the same answer, and have one effect",
}
_KNOWN = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": _TEXT,
    "description": "The ETag of what is known already: 304 while it is still so",
}
_PATIENT = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "schema": _TEXT,
    "description": "`wait=10`: with If-None-Match, answer when it is another version, or 304 after so many seconds",
}
_SYNC = {
    **_PATIENT,
    "description": "`respond-sync`, with `wait=5` if you like: answer with the outcome, or as usual after so many seconds",
}
HEADERS = {
    Takes.VERSION: [{**_SEEN, "required": True}],
    Takes.VERSION_IF_GIVEN: [{**_SEEN, "required": False}],
    Takes.KEY: [_KEY],
    Takes.WAIT: [_KNOWN, _PATIENT],
    Takes.SYNC: [_SYNC],
}
_TOKEN = {"token": {"type": "http", "scheme": "bearer"}}


class Described(Protocol):
    """An app and its doors; `souk.http.Souk` is one."""

    app_name: str
    version: str
    doors: list[Door]


def describe(app: Described) -> dict[str, Any]:
    """Return the OpenAPI document of `app`; the same doors always give the same document."""
    schemas, components = _schemas(app.doors)
    paths: dict[str, Any] = {}
    for door in app.doors:
        for method in door.methods:
            paths.setdefault(door.path, {})[method.lower()] = _operation(door, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Souk: {app.app_name}", "version": app.version},
        "servers": [{"url": f"/{app.app_name}"}],
        "paths": paths,
        "components": {"schemas": dict(sorted(components.items())), "securitySchemes": _TOKEN},
    }


def anything(kind: type) -> dict[str, Any]:
    """Describe `object`, which msgspec reads as any JSON; other custom types have no schema."""
    if kind is not object:
        raise NotImplementedError
    return {"description": "Any JSON value"}


def described(shapes: Sequence[Any]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the schema of each type, and the components that they refer to."""
    schemas, components = msgspec.json.schema_components(shapes, schema_hook=anything, ref_template=_REF)
    for one in components.values():
        if text := one.get("description"):
            one["description"] = inspect.cleandoc(text)
    return dict(zip(shapes, schemas, strict=True)), components


def _types(doors: list[Door]) -> Iterator[Any]:
    yield Problem
    for door in doors:
        yield from (shape for shape in (door.body, door.query, door.answer) if shape not in {None, type(None)})


def _schemas(doors: list[Door]) -> tuple[dict[Any, Any], dict[str, Any]]:
    shapes = list(dict.fromkeys(_types(doors)))
    schemas, components = described(shapes)
    queries = {door.query for door in doors if door.query is not None}
    for query in queries:  # a query is a list of parameters, not a schema of its own
        schemas[query] = components.pop(schemas[query]["$ref"].rsplit("/", 1)[1])
    return schemas, components


def _operation(door: Door, schemas: dict[Any, Any]) -> dict[str, Any]:
    summary, _, more = (inspect.getdoc(door.view) or "").partition("\n")
    operation: dict[str, Any] = {
        "operationId": door.view.__name__,
        "summary": summary,
        "parameters": [*_path_parameters(door), *_query_parameters(door, schemas), *_header_parameters(door)],
        "responses": {
            **{str(status): _answer(door, schemas) for status in (door.status, *door.also)},
            "default": _problem(schemas),
        },
    }
    if more.strip():
        operation["description"] = more.strip()
    if not door.public:
        operation["security"] = [{"token": []}]
    if door.permission:
        operation["x-permission"] = door.permission
    if door.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schemas[door.body]}}}
    return operation


def _path_parameters(door: Door) -> list[dict[str, Any]]:
    names = _PART.findall(door.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(door: Door, schemas: dict[Any, Any]) -> list[dict[str, Any]]:
    if door.query is None:
        return []
    shape = schemas[door.query]
    required = set(shape.get("required", ()))
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in shape["properties"].items()
    ]


def _header_parameters(door: Door) -> list[dict[str, Any]]:
    return [header for takes, headers in HEADERS.items() if takes in door.takes for header in headers]


def _answer(door: Door, schemas: dict[Any, Any]) -> dict[str, Any]:
    if door.answer in {None, type(None)}:
        return {"description": "Done"}
    return {"description": "The answer", "content": {"application/json": {"schema": schemas[door.answer]}}}


def _problem(schemas: dict[Any, Any]) -> dict[str, Any]:
    return {"description": "A problem", "content": {"application/problem+json": {"schema": schemas[Problem]}}}
