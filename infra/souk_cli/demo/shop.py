"""A client of the shop: speaks JSON over HTTP to whatever deployment answers at a base URL."""

from __future__ import annotations

import time
from typing import Any

import httpx
from msgspec import Struct

from souk.ids import new_id


class Unexpected(Exception):
    """The shop answered something else than the journey needs."""


class Reply(Struct, frozen=True, kw_only=True):
    """What came back, and after how many seconds."""

    status: int
    body: Any
    headers: httpx.Headers
    seconds: float

    @property
    def etag(self) -> str:
        """The version that was shown."""
        return str(self.headers.get("etag", ""))


class Shop:
    """One deployment of the shop."""

    def __init__(self, base: str) -> None:
        """Speak to the shop at `base` (`http://127.0.0.1:8080`)."""
        self.base = base
        self._http = httpx.Client(base_url=base, timeout=30)
        self.spent = 0.0
        self.requests = 0

    def close(self) -> None:
        """End the connections."""
        self._http.close()

    def ask(
        self, method: str, path: str, json: Any = None, *, token: str = "", expect: int | None = None, **headers: str
    ) -> Reply:
        """Send a request; keyword arguments are headers. Raises Unexpected for another status than `expect`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token:
            given["authorization"] = f"Bearer {token}"
        if method == "POST":
            given.setdefault("idempotency-key", new_id())
        began = time.monotonic()
        answer = self._http.request(method, path, json=json, headers=given)
        seconds = time.monotonic() - began
        self.spent, self.requests = self.spent + seconds, self.requests + 1
        body = answer.json() if answer.content else None
        if expect is not None and answer.status_code != expect:
            raise Unexpected(f"{method} {path} answered {answer.status_code}, not {expect}: {answer.text[:500]}")
        return Reply(status=answer.status_code, body=body, headers=answer.headers, seconds=seconds)

    def get(self, path: str, *, token: str = "", **headers: str) -> Reply:
        """Read something that is there."""
        return self.ask("GET", path, token=token, expect=200, **headers)
