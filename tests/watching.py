"""Remembers what a deployment was asked last, and tells it with a test that fails."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from deployments import Deployment

from souk_cli.demo.shop import Reply, Shop

OPEN: list["Watched"] = []


class Watched(Shop):
    """A shop that remembers what it was asked last."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment.base)
        self.deployment = deployment
        self.last: deque[str] = deque(maxlen=6)

    def ask(
        self, method: str, path: str, json: Any = None, *, token: str = "", expect: int | None = None, **headers: str
    ) -> Reply:
        asked = f"{method} {path} {headers or ''}\n   {shown(json)}"
        self.last.append(f"{asked}\n   no answer")
        reply = super().ask(method, path, json, token=token, expect=None, **headers)
        told = f"{reply.status} in {reply.seconds:.3f} s, request {reply.headers.get('x-request-id')}"
        self.last[-1] = f"{asked}\n   {told}\n   {shown(reply.body)}"
        assert expect in {None, reply.status}, f"not {expect}:\n{self.last[-1]}"
        return reply


def shown(body: Any) -> str:
    """Return a body shortened, without what opens a door."""
    if isinstance(body, dict):
        body = {name: "***" if "token" in name or name == "password" else value for name, value in body.items()}
    return msgspec.json.encode(body).decode()[:1500]


@contextmanager
def watched(deployment: Deployment) -> Iterator[Watched]:
    """Watch what a deployment is asked."""
    shop = Watched(deployment)
    OPEN.append(shop)
    try:
        yield shop
    finally:
        OPEN.remove(shop)
        shop.close()


def explain(report: pytest.TestReport) -> None:
    """Tell with a failure what was asked and answered last, and what the deployment wrote."""
    if report.failed:
        for shop in OPEN:
            name = shop.deployment.name
            report.sections.append((f"the last requests to {name}", "\n".join(shop.last)))
            report.sections.append((f"the last lines of {name}'s log", shop.deployment.log()))
