import json
from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from souk.doors import Takes
from souk.openapi import describe
from souk_cli import apps, asyncapi
from souk_local.services import SERVICES


def references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        for value in document.values():
            yield from references(value)
    elif isinstance(document, list):
        for value in document:
            yield from references(value)


def found(document: Any, reference: str) -> Any:
    for part in reference.removeprefix("#/").split("/"):
        document = document[part]
    return document


@pytest.mark.parametrize("service", SERVICES)
def test_the_api_document_is_valid(service: str) -> None:
    document = json.loads(json.dumps(describe(apps.app(service))))
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_door_that_answers_nothing_says_204(service: str) -> None:
    silent = [door for door in apps.app(service).doors if door.answer in {None, type(None)}]
    assert [(door.path, door.status) for door in silent if door.status != 204] == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_api_document_names_no_module(service: str) -> None:
    assert [name for name in describe(apps.app(service))["components"]["schemas"] if "." in name] == []


def spoken(code: CodeType) -> set[str]:
    inner = (one for one in code.co_consts if isinstance(one, CodeType))
    return set(code.co_names).union(*map(spoken, inner))


def names(view: FunctionType) -> set[str]:
    """Return what a view speaks of, and what the functions of its module that it calls speak of."""
    found, asked = spoken(view.__code__), [view]
    for one in asked:  # grows while it is walked
        called = [view.__globals__.get(name) for name in spoken(one.__code__)]
        asked += [each for each in called if isinstance(each, FunctionType) and each not in asked]
        found |= spoken(one.__code__)
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_door_says_which_headers_it_reads(service: str) -> None:
    for door in apps.app(service).doors:
        assert isinstance(door.view, FunctionType)
        read, makes = names(door.view), "POST" in door.methods and "{" not in door.path
        seen = bool(door.takes & (Takes.VERSION | Takes.VERSION_IF_GIVEN))
        assert (door.path, Takes.KEY in door.takes) == (door.path, bool({"once", "attempt"} & read))
        assert (door.path, seen) == (door.path, "if_match" in read and not makes)


@pytest.mark.parametrize("service", SERVICES)
def test_every_reference_of_the_event_document_leads_somewhere(service: str) -> None:
    document = asyncapi.describe(service)
    for reference in references(document):
        assert found(document, reference)


@pytest.mark.parametrize("service", SERVICES)
def test_the_event_document_names_every_consumer_and_every_published_type(service: str) -> None:
    document = asyncapi.describe(service)
    for consumer in apps.consumers()[service]:
        assert set(document["channels"][consumer.name]["messages"]) == set(consumer.facts)
    assert set(document["channels"].get("events", {}).get("messages", {})) == set(asyncapi.publishes(service))


def test_every_consumed_type_is_published_by_somebody() -> None:
    published = {name for service in SERVICES for name in asyncapi.publishes(service)}
    consumed = {name for owned in apps.consumers().values() for one in owned for name in one.facts}
    assert consumed <= published
