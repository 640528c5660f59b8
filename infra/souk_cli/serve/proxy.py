"""Translates between a web server and a Lambda function: WSGI in, API Gateway's proxy event, and its answer back."""

from __future__ import annotations

import base64
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, quote

from souk.ids import new_id
from souk.stages import SERVE
from souk_cli.serve.routes import Found

BODY_LIMIT = 10 * 1024 * 1024  # bytes; what API Gateway takes
ACCOUNT = "000000000000"
SECONDS = 29.0  # how long API Gateway waits for an answer
WITHOUT_BODY = frozenset({204, 304})
NOT_OURS = frozenset({"HTTP_X_REAL_IP", "HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED"})
# The web server mixes the process's environment into every request; what is called HTTP_* there is nobody's header.
_ENVIRONMENT = frozenset(name for name in os.environ if name.startswith("HTTP_"))
_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}

Environ = Mapping[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[[str, Headers], Any]


class Context:
    """What a function may ask of its Lambda context."""

    memory_limit_in_mb = 512
    function_version = "$LATEST"
    invoked_function_arn = "arn:souk:serve"

    def __init__(self, name: str, request_id: str, *, seconds: float = SECONDS) -> None:
        """Give the function's name, the request's id and the time there is."""
        self.function_name, self.aws_request_id = name, request_id
        self._until = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left."""
        return max(0, int((self._until - time.monotonic()) * 1000))


def path_of(environ: Environ) -> str:
    """Return the decoded path; WSGI carries its UTF-8 bytes as Latin-1."""
    return str(environ["PATH_INFO"]).encode("latin-1", "replace").decode("utf-8", "replace")


def body_of(environ: Environ) -> bytes | None:
    """Return the body, or None for one that is too large to read."""
    if int(environ.get("CONTENT_LENGTH") or 0) > BODY_LIMIT:
        return None
    raw: bytes = environ["wsgi.input"].read(BODY_LIMIT + 1)
    return raw if len(raw) <= BODY_LIMIT else None


def headers_of(environ: Environ, client: str) -> dict[str, str]:
    """Return the client's headers, without those that only a gateway may set; X-Real-IP is `client`."""
    skipped = NOT_OURS | _ENVIRONMENT
    headers = {
        key[5:].replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_") and key not in skipped
    }
    if kind := environ.get("CONTENT_TYPE"):
        headers["content-type"] = str(kind)
    return {**headers, "x-real-ip": client}


def client_of(environ: Environ, proxies: Iterable[str]) -> str:
    """Return the client's address: the peer's, unless that is a proxy of ours, which then says whose it is."""
    peer = str(environ.get("REMOTE_ADDR", ""))
    return str(environ.get("HTTP_X_REAL_IP") or peer) if peer in proxies else peer


def event_of(
    environ: Environ, *, service: str, path: str, found: Found, body: bytes, client: str, binary: Sequence[str]
) -> dict[str, Any]:
    """Return the event that API Gateway's REST proxy integration would make of a request."""
    headers = headers_of(environ, client)
    query: dict[str, list[str]] = {}
    for name, value in parse_qsl(str(environ.get("QUERY_STRING", "")), keep_blank_values=True):
        query.setdefault(name, []).append(value)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    encoded = bool(body) and (kind in binary or not _is_text(body))
    return {
        "resource": found.template,
        "path": quote(path),
        "httpMethod": environ["REQUEST_METHOD"],
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": found.parts,
        "stageVariables": None,
        "requestContext": _request_context(environ, f"/{service}{quote(path)}", found.template, headers),
        "body": _body(body, encoded=encoded),
        "isBase64Encoded": encoded,
    }


def _is_text(body: bytes) -> bool:
    """Whether it is UTF-8; what is not goes on as it came, for the door to refuse rather than to keep mended."""
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _body(body: bytes, *, encoded: bool) -> str | None:
    if not body:
        return None
    return base64.b64encode(body).decode() if encoded else body.decode()


def _request_context(environ: Environ, path: str, template: str, headers: Mapping[str, str]) -> dict[str, Any]:
    return {
        "accountId": ACCOUNT,
        "apiId": "serve",
        "stage": SERVE,
        "resourcePath": template,
        "httpMethod": environ["REQUEST_METHOD"],
        "path": path,
        "protocol": environ.get("SERVER_PROTOCOL", "HTTP/1.1"),
        "requestId": new_id(),
        "requestTimeEpoch": time.time_ns() // 1_000_000,
        "identity": {"sourceIp": headers["x-real-ip"], "userAgent": headers.get("user-agent", "")},
    }


def answered(answer: Mapping[str, Any], start_response: StartResponse, *, head: bool = False) -> list[bytes]:
    """Give a function's answer to the web server."""
    status = int(answer["statusCode"])
    headers: Headers = [(name, str(value)) for name, value in (answer.get("headers") or {}).items()]
    for name, values in (answer.get("multiValueHeaders") or {}).items():
        headers += [(name, str(value)) for value in values]
    raw = _raw(answer)
    if status not in WITHOUT_BODY and not head:
        headers.append(("Content-Length", str(len(raw))))
    start_response(_STATUS.get(status, f"{status} Unknown"), headers)
    return [] if head or status in WITHOUT_BODY else [raw]


def _raw(answer: Mapping[str, Any]) -> bytes:
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded"):
        return base64.b64decode(body)
    return body if isinstance(body, bytes) else str(body).encode()
