"""AsyncAPI 3 of an app: the events it publishes and those that each of its consumers takes."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from souk.events import Catalogue, Fact
from souk.openapi import described
from souk.queues import Consumer
from souk_cli import apps

EXCHANGE = "souk.events"
_TEXT = {"type": "string"}


def describe(service: str) -> dict[str, Any]:
    """Return the AsyncAPI document of a service; the same code always gives the same document."""
    app, published = apps.app(service), publishes(service)
    facts = [*published.values(), *(fact for consumer in app.consumers for fact in consumer.facts.values())]
    schemas, components = described(list(dict.fromkeys(facts)))
    messages = {name: _message(fact, schemas) for name, fact in sorted(published.items())}
    for consumer in app.consumers:
        messages |= {_taken(consumer, fact): _message(fact, schemas) for fact in consumer.facts.values()}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": f"Souk: {service}", "version": app.version},
        "defaultContentType": "application/json",
        "channels": {**_sent_channel(published), **{one.name: _queue(one) for one in app.consumers}},
        "operations": {**_sending(published), **{one.handler: _receiving(one) for one in app.consumers}},
        "components": {"messages": messages, "schemas": dict(sorted(components.items()))},
    }


def publishes(service: str) -> Catalogue:
    """Return what a service publishes, as its events.py says; nothing without one."""
    apps.load(service)
    try:
        found = importlib.import_module(f"chalicelib.{service}.events")
    except ModuleNotFoundError:
        return {}
    catalogue: Catalogue = getattr(found, "PUBLISHES", {})
    return catalogue


def _message(fact: type[Fact], schemas: Mapping[type[Fact], Any]) -> dict[str, Any]:
    """Return the envelope that carries `fact`."""
    fields = {
        "id": {**_TEXT, "format": "uuid"},
        "type": {"const": fact.TYPE},
        "schema": {"const": fact.SCHEMA},
        "occurred_at": {**_TEXT, "format": "date-time"},
        "aggregate": _TEXT,
        "version": {"type": "integer"},
        "trace": _TEXT,
        "data": schemas[fact],
    }
    summary = (fact.__doc__ or "").strip().split("\n")[0]
    payload = {"type": "object", "required": list(fields), "properties": fields}
    return {"name": fact.TYPE, "summary": summary, "payload": payload}


def _taken(consumer: Consumer, fact: type[Fact]) -> str:
    return f"{consumer.name}.{fact.TYPE}"


def _sent_channel(published: Catalogue) -> dict[str, Any]:
    if not published:
        return {}
    exchange = {"name": EXCHANGE, "type": "topic", "durable": True, "autoDelete": False}
    return {
        "events": {
            "address": EXCHANGE,
            "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in sorted(published)},
            "bindings": {"amqp": {"is": "routingKey", "exchange": exchange}},
        }
    }


def _queue(consumer: Consumer) -> dict[str, Any]:
    name = f"souk.{consumer.name}"
    queue = {"name": name, "durable": True, "exclusive": False, "autoDelete": False}
    return {
        "address": name,
        "messages": {
            fact.TYPE: {"$ref": f"#/components/messages/{_taken(consumer, fact)}"} for fact in consumer.facts.values()
        },
        "bindings": {"amqp": {"is": "queue", "queue": queue}},
    }


def _sending(published: Catalogue) -> dict[str, Any]:
    if not published:
        return {}
    messages = [{"$ref": f"#/channels/events/messages/{name}"} for name in sorted(published)]
    return {"publish": {"action": "send", "channel": {"$ref": "#/channels/events"}, "messages": messages}}


def _receiving(consumer: Consumer) -> dict[str, Any]:
    channel = f"#/channels/{consumer.name}"
    messages = [{"$ref": f"{channel}/messages/{fact.TYPE}"} for fact in consumer.facts.values()]
    summary = (consumer.view.__doc__ or "").strip().split("\n")[0]
    return {"action": "receive", "summary": summary, "channel": {"$ref": channel}, "messages": messages}
