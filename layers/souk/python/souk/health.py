"""Health: whether the function lives, and whether each of its stores answers; and the API document of the app."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from souk.errors import SoukError

if TYPE_CHECKING:
    from souk.http import Souk


class Alive(msgspec.Struct, frozen=True):
    """The function itself lives; no store was asked."""

    service: str
    status: str = "alive"


class StoreState(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whether one store answers, and why not."""

    status: str
    detail: str = ""


class Readiness(msgspec.Struct, frozen=True):
    """Each store's state; `ready` when all of them answer."""

    service: str
    status: str
    stores: dict[str, StoreState]


def add_doors(app: "Souk", stores: Mapping[str, Callable[[], None]]) -> None:
    """Add what every service has: /health, /health/ready, which asks each of `stores`, and /openapi.json."""
    from souk.doors import Answer

    @app.route("/health")
    def health() -> Alive:
        """Tell that the function lives, without asking any store."""
        return Alive(app.app_name)

    @app.route("/health/ready", also=(503,))
    def readiness() -> Answer[Readiness]:
        """Ask every store for a sign of life; 503 when one does not give it."""
        states = {name: _state(ping) for name, ping in stores.items()}
        ready = all(state.status == "up" for state in states.values())
        found = Readiness(app.app_name, "ready" if ready else "degraded", states)
        return Answer(found, 200 if ready else 503)

    @app.route("/openapi.json")
    def openapi() -> dict[str, Any]:
        """Describe this API as OpenAPI 3.1."""
        from souk.openapi import describe

        return describe(app)


def _state(ping: Callable[[], None]) -> StoreState:
    try:
        ping()
    except (SoukError, LookupError) as error:
        return StoreState("down", str(error))
    return StoreState("up")
