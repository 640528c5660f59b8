"""The shop of the journeys: the same six services by serve, then on LocalStack, on the same stores."""

from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from deployments import Deployment, deployed, serving
from journeys.keeper import Keeper

from souk.ids import new_id
from souk_cli import owner
from souk_cli.demo.journey import Owner
from souk_cli.demo.shop import Reply, Shop

WAYS = {"serve": serving, "local": deployed}
OPEN: list[tuple[Deployment, "WatchedShop"]] = []


class WatchedShop(Shop):
    """A shop that remembers what it was asked last, to tell when a journey fails."""

    def __init__(self, base: str) -> None:
        super().__init__(base)
        self.last: deque[str] = deque(maxlen=6)

    def ask(
        self, method: str, path: str, json: Any = None, *, token: str = "", expect: int | None = None, **headers: str
    ) -> Reply:
        asked = f"{method} {path} {headers or ''}\n   {shown(json)}"
        self.last.append(f"{asked}\n   no answer")
        reply = super().ask(method, path, json, token=token, **headers)
        self.last[-1] = f"{asked}\n   {reply.status} in {reply.seconds:.3f} s, {reply.headers.get('x-request-id', '')}"
        self.last[-1] += f"\n   {shown(reply.body)}"
        assert expect in {None, reply.status}, f"{self.last[-1]}\nnot {expect}"
        return reply


def shown(body: Any) -> str:
    """Return a body shortened, without what opens a door."""
    if isinstance(body, dict):
        body = {name: "***" if "token" in name or name == "password" else value for name, value in body.items()}
    return msgspec.json.encode(body).decode()[:1500]


@pytest.fixture(scope="session", params=list(WAYS))
def shop(request: pytest.FixtureRequest, stores: dict[str, str]) -> Iterator[Shop]:
    with WAYS[request.param](stores) as deployment:
        watched = WatchedShop(deployment.base)
        OPEN.append((deployment, watched))
        yield watched
        OPEN.clear()
        watched.close()


@pytest.fixture(scope="session")
def staff(stores: dict[str, str]) -> Owner:
    made = Owner(f"owner-{new_id()[-10:]}@example.com", f"an owner's own {new_id()}")
    owner.create(made.email, "The owner", made.password)
    return made


@pytest.fixture(scope="session")
def keeper(shop: Shop, staff: Owner) -> Keeper:
    return Keeper(shop, staff)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Tell with a failure what was asked and answered last, and what the deployment wrote."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's own type is not exported
    if report.failed:
        for deployment, watched in OPEN:
            report.sections.append((f"the last requests to {deployment.name}", "\n".join(watched.last)))
            report.sections.append((f"the last lines of {deployment.name}'s log", deployment.log()))
