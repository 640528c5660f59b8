"""The WSGI application: six apps, one address each, and what stands beside them."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from typing import Any

from souk import problems, telemetry
from souk.errors import SoukError
from souk.http import ALWAYS, BODY_LIMIT, CORS, VERBS, Souk
from souk_cli import apps
from souk_cli.serve import pages, proxy, warm, watch
from souk_cli.serve.routes import Found, Routes
from souk_local.services import SERVICES

PROXIES = "SOUK_TRUSTED_PROXIES"  # addresses of reverse proxies of our own, separated by commas


class Service:
    """One app and its routes."""

    def __init__(self, name: str, app: Souk) -> None:
        """Take the app of a service."""
        self.name = name
        self.app = app
        self.routes = Routes(app.routes)
        self.binary = tuple(app.api.binary_types)

    def preflight(self, found: Found) -> dict[str, Any] | None:
        """Return what API Gateway's own OPTIONS method answers, or None where the route has none."""
        entries = self.app.routes[found.template]
        methods = sorted(method for method, entry in entries.items() if entry.cors)
        if not methods:
            return None
        allowed = {"Access-Control-Allow-Methods": ",".join([*methods, "OPTIONS"])}
        return {"statusCode": 200, "headers": {**CORS.get_access_control_headers(), **allowed}, "body": ""}


@functools.cache
def services() -> Mapping[str, Service]:
    """Return the six services."""
    return {name: Service(name, apps.app(name)) for name in SERVICES}


@functools.cache
def proxies() -> frozenset[str]:
    """Return the addresses whose word on a client's address counts."""
    return frozenset(filter(None, os.environ.get(PROXIES, "").replace(" ", "").split(",")))


def application(environ: proxy.Environ, start_response: proxy.StartResponse) -> list[bytes]:
    """Answer one request."""
    head = environ["REQUEST_METHOD"] == "HEAD"
    return proxy.answered(answer(environ), start_response, head=head)


def answer(environ: proxy.Environ) -> Mapping[str, Any]:
    """Return what the service that is asked answers, or what stands beside the services."""
    whole = proxy.path_of(environ)
    _, name, *rest = whole.split("/", 2)
    service = services().get(name)
    if service is None:
        return pages.page(environ["REQUEST_METHOD"], whole) or refused(environ, problems.nowhere())
    path = "/" + "".join(rest)
    found = service.routes.find(path)
    if found is None:
        return refused(environ, problems.nowhere())
    method = environ["REQUEST_METHOD"]
    if method == "OPTIONS":
        return service.preflight(found) or refused(environ, problems.nowhere())
    if method not in service.app.routes[found.template]:
        return refused(environ, problems.NotAllowed("this address does not answer that method", list(VERBS)))
    return asked(service, environ, path, found)


def asked(service: Service, environ: proxy.Environ, path: str, found: Found) -> Mapping[str, Any]:
    """Return the service's own answer."""
    body = proxy.body_of(environ)
    if body is None:
        return refused(environ, problems.TooLarge(f"a body has at most {BODY_LIMIT} bytes"))
    client = proxy.client_of(environ, proxies())
    event = proxy.event_of(
        environ, service=service.name, path=path, found=found, body=body, client=client, binary=service.binary
    )
    context = proxy.Context(service.name, event["requestContext"]["requestId"])
    told: Mapping[str, Any] = service.app(event, context)
    return told


def refused(environ: proxy.Environ, error: SoukError) -> Mapping[str, Any]:
    """Return an error with the headers that every answer of ours carries."""
    with problems.traced(proxy.headers_of(environ, "")):
        given, named = problems.answer(error), {"X-Request-Id": telemetry.request_id.get()}
    headers = {**CORS.get_access_control_headers(), **ALWAYS, **given.headers, **named}
    return {"statusCode": given.status_code, "headers": headers, "body": given.body}


watch.end_with_parent()
services()
warm.up()
