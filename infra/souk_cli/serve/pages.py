"""What stands beside the services at the same origin: their API documents, one address each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from souk.http import ALWAYS, CORS
from souk.openapi import describe
from souk_cli import apps

_OPENAPI = re.compile(r"/openapi/([a-z]+)\.json")


def page(method: str, path: str) -> Mapping[str, Any] | None:
    """Return the page at an address, or None."""
    found = _OPENAPI.fullmatch(path)
    if method not in {"GET", "HEAD"} or found is None or found[1] not in apps.SERVICES:
        return None
    return shown(msgspec.json.encode(describe(apps.app(found[1]))), "application/json")


def shown(body: bytes, kind: str, *, security: Mapping[str, str] = ALWAYS) -> Mapping[str, Any]:
    """Return an answer that may be kept for a minute."""
    headers = {**CORS.get_access_control_headers(), **security, "Cache-Control": "max-age=60", "Content-Type": kind}
    return {"statusCode": 200, "headers": headers, "body": body}
