import json
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from souk.openapi import describe
from souk_cli import apps, asyncapi


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


@pytest.mark.parametrize("service", apps.SERVICES)
def test_the_api_document_is_valid(service: str) -> None:
    document = json.loads(json.dumps(describe(apps.app(service))))
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


@pytest.mark.parametrize("service", apps.SERVICES)
def test_every_reference_of_the_event_document_leads_somewhere(service: str) -> None:
    document = asyncapi.describe(service)
    for reference in references(document):
        assert found(document, reference)


@pytest.mark.parametrize("service", apps.SERVICES)
def test_the_event_document_names_every_consumer_and_every_published_type(service: str) -> None:
    document = asyncapi.describe(service)
    for consumer in apps.consumers()[service]:
        assert set(document["channels"][consumer.name]["messages"]) == set(consumer.facts)
    assert set(document["channels"].get("events", {}).get("messages", {})) == set(asyncapi.publishes(service))


def test_every_consumed_type_is_published_by_somebody() -> None:
    published = {name for service in apps.SERVICES for name in asyncapi.publishes(service)}
    consumed = {name for owned in apps.consumers().values() for one in owned for name in one.facts}
    assert consumed <= published
