"""What stands beside the services at the same origin: their API documents, and the page that shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from souk.http import ALWAYS, CORS
from souk.openapi import describe
from souk_cli import apps
from souk_local import docs, layout
from souk_local.services import SERVICES

_OPENAPI = re.compile(r"/openapi/([a-z]+)\.json")
_ASSET = re.compile(r"/docs/assets/([\w.-]+)")
_OF_A_PAGE = {**ALWAYS, "Content-Security-Policy": docs.POLICY}


def page(method: str, path: str) -> Mapping[str, Any] | None:
    """Return the page at an address, or None."""
    if method not in {"GET", "HEAD"}:
        return None
    return document(path) or reference(path)


def document(path: str) -> Mapping[str, Any] | None:
    """Return a service's API document."""
    found = _OPENAPI.fullmatch(path)
    if found is None or found[1] not in SERVICES:
        return None
    return shown(msgspec.json.encode(describe(apps.app(found[1]))), "application/json")


def reference(path: str) -> Mapping[str, Any] | None:
    """Return the page that shows all API documents, or something it loads."""
    if path == "/docs":
        return {"statusCode": 301, "headers": {"Location": "/docs/"}, "body": b""}
    if path == "/docs/":
        return shown(docs.docs_page(SERVICES).encode(), "text/html; charset=utf-8", security=_OF_A_PAGE)
    if path == f"/docs/{docs.SCRIPT}":
        return shown(docs.docs_script().encode(), "text/javascript")
    return asset(path)


def asset(path: str) -> Mapping[str, Any] | None:
    """Return one of swagger-ui's files; None where `souk up` hasn't fetched them."""
    found = _ASSET.fullmatch(path)
    kind = docs.ASSETS.get(found[1]) if found else None
    if found is None or kind is None:
        return None
    file = docs.assets(layout.find()) / found[1]
    return shown(file.read_bytes(), kind) if file.exists() else None


def shown(body: bytes, kind: str, *, security: Mapping[str, str] = ALWAYS) -> Mapping[str, Any]:
    """Return an answer that may be kept for a minute."""
    headers = {**CORS.get_access_control_headers(), **security, "Cache-Control": "max-age=60", "Content-Type": kind}
    return {"statusCode": 200, "headers": headers, "body": body}
