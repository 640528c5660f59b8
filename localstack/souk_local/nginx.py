"""The local gateway's nginx configuration: one base path per service, and the gateway's own answers as problems."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from msgspec import Struct

from souk_local import docs, settings
from souk_local.layout import LOOPBACK, checkout
from souk_local.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from souk_local.layout import Layout

STAGE = "api"
"""The stage that Chalice deploys every REST API to."""
MARGIN = 64 * 1024
"""Bytes above the doors' own limit that still reach them."""
PATIENCE = "32s"
"""How long a service may take: a little longer than API Gateway waits for a function."""
NO_SERVICE, NO_METHOD, NO_API = 597, 598, 599
"""Our own reasons to refuse a request to a service, as numbers that no door answers with."""
KNOWN_AS = "$known_as"
"""nginx's variable for the id of a request."""
SLOT = re.compile(r"\{\{(\w+)\}\}")


class Problem(Struct, frozen=True, kw_only=True):
    """An answer of the gateway itself, in the words and the form of the doors."""

    status: int
    kind: str
    title: str
    detail: str
    codes: tuple[int, ...] = ()
    """The failures of nginx that it stands for."""
    behind: tuple[int, ...] = ()
    """The same on the way to a service, where most numbers are the doors' own."""
    retry_after: int | None = None


PROBLEMS = (
    Problem(
        status=400, kind="malformed", title="Malformed", detail="the request is not HTTP as it should be", codes=(400,)
    ),
    Problem(
        status=404, kind="missing", title="Missing", detail="no such address", codes=(403, 404), behind=(NO_SERVICE,)
    ),
    Problem(
        status=405,
        kind="not-allowed",
        title="Method not allowed",
        detail="this method is not known here",
        codes=(405,),
        behind=(NO_METHOD,),
    ),
    Problem(status=408, kind="timeout", title="Too slow", detail="the request took too long to arrive", codes=(408,)),
    Problem(
        status=413,
        kind="too-large",
        title="Too large",
        detail="the body is larger than 1 MiB",
        codes=(413,),
        behind=(413,),
    ),
    Problem(
        status=414, kind="address-too-long", title="Address too long", detail="the address is too long", codes=(414,)
    ),
    Problem(
        status=431,
        kind="headers-too-large",
        title="Headers too large",
        detail="the headers are too large",
        codes=(494,),
    ),
    Problem(
        status=503,
        kind="unavailable",
        title="Unavailable",
        detail="the service is not deployed or does not answer now",
        codes=(500, 502, 503),
        behind=(502, NO_API),
        retry_after=2,
    ),
    # No Retry-After: whether anything happened is unknown, so whoever asks again needs the same Idempotency-Key.
    Problem(
        status=504,
        kind="timeout",
        title="Timed out",
        detail="the service took too long to answer",
        codes=(504,),
        behind=(504,),
    ),
)


def render(place: Layout, api_ids: Mapping[str, str]) -> str:
    """Return nginx's whole configuration."""
    from souk.http import BODY_LIMIT, VERBS  # the doors' own rules; their import is slow, and only needed here
    from souk.problems import REQUEST_ID

    upstream = urlsplit(settings.endpoint(place))
    return fill(
        (checkout() / "localstack" / "gateway" / "nginx.conf.template").read_text(),
        {
            "listen": f"{LOOPBACK}:{place.port('gateway')}",
            "upstream": upstream.netloc,
            "scheme": upstream.scheme,
            "stage": STAGE,
            "patience": PATIENCE,
            "safe_id": REQUEST_ID.pattern,
            "methods": "|".join((*VERBS, "OPTIONS")),
            "body_limit": str(BODY_LIMIT + MARGIN),
            "index": quoted(index(api_ids)),
            "headers": lines(12, *add_headers()),
            "page_headers": lines(12, *add_headers(policy=docs.POLICY)),
            "no_service": str(NO_SERVICE),
            "no_method": str(NO_METHOD),
            "no_api": str(NO_API),
            "error_pages": lines(8, *(error_page(problem, problem.codes) for problem in PROBLEMS)),
            "error_pages_behind": lines(12, *(error_page(one, one.behind) for one in PROBLEMS if one.behind)),
            "problems": "\n".join(location(problem) for problem in PROBLEMS),
        },
    )


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put a value into each slot; a slot without value, or a value without slot, is a KeyError."""
    unused = set(values) - set(SLOT.findall(template))
    if unused:
        raise KeyError(*unused)
    return SLOT.sub(lambda slot: values[slot[1]], template)


def render_routes(api_ids: Mapping[str, str]) -> str:
    """Return the body of nginx's map from service to REST API; a service that isn't deployed has none."""
    return "".join(f"{name} {api_ids.get(name, '-')};\n" for name in SERVICES)


def revision(api_ids: Mapping[str, str]) -> str:
    """Return a short name for a state of the routes."""
    return hashlib.sha256(render_routes(api_ids).encode()).hexdigest()[:12]


def index(api_ids: Mapping[str, str]) -> str:
    """Return what the origin's root answers: where everything is."""
    services = {
        name: {"address": f"/{name}", "health": f"/{name}/health/ready", "deployed": name in api_ids}
        for name in SERVICES
    }
    return json.dumps({"name": "souk", "docs": "/docs/", "services": services, "revision": revision(api_ids)})


def error_page(problem: Problem, codes: Sequence[int]) -> str:
    """Return the directive that sends failures to their problem."""
    return f"error_page {' '.join(map(str, codes))} = {address(problem)};"


def address(problem: Problem) -> str:
    """Return the internal address of a problem."""
    return f"/problems/{problem.status}"


def location(problem: Problem) -> str:
    """Return the block that answers with a problem; a browser's preflight is let through, or it would hide the rest."""
    body = {
        "type": f"urn:souk:problem:{problem.kind}",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    said = quoted(json.dumps(body)).removesuffix("}") + f', "instance": "urn:souk:request:{KNOWN_AS}"}}'
    retry = [f"add_header Retry-After {problem.retry_after} always;"] if problem.retry_after else []
    inside = lines(
        12,
        "internal;",
        "types { }",
        "default_type application/problem+json;",
        *add_headers(),
        f"add_header X-Request-Id {KNOWN_AS} always;",
        *retry,
        "if ($preflight) { return 204; }",
        f"return {problem.status} '{said}';",
    )
    return f"\n        location = {address(problem)} {{\n{inside}\n        }}"


def add_headers(policy: str | None = None) -> list[str]:
    """Return the headers that the doors send with everything, as directives; a page has a policy of its own."""
    from souk.http import ALWAYS, CORS, VERBS

    cross_origin = {**CORS.get_access_control_headers(), "Access-Control-Allow-Methods": ",".join(VERBS)}
    headers = {**ALWAYS, "Content-Security-Policy": policy} if policy else {**ALWAYS, **cross_origin}
    return [f"add_header {name} '{quoted(str(value))}' always;" for name, value in headers.items()]


def quoted(text: str) -> str:
    """Return a text as it stands between single quotes in nginx's configuration."""
    if "$" in text:
        raise ValueError("nginx would read a variable there")
    return text.replace("\\", "\\\\").replace("'", "\\'")


def lines(indent: int, *directives: str) -> str:
    """Return directives on lines of their own."""
    return "\n".join(" " * indent + directive for directive in directives)
