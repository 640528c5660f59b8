"""Settings for programs that run beside the stack: what the environment says, and the local stack's for the rest."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

from souk.stages import HERE, LOCAL
from souk_local import layout
from souk_local.errors import StackError

SECONDS = 2.0
OWNERS, RELAYS = "_OWNER_DATABASE_URL", "_RELAY_DATABASE_URL"
SECRET_ID = "_SECRET_ID"  # noqa: S105 - the end of a setting's name
FILE = "_FILE"


def fill(environment: Mapping[str, str] | None = None, *, only: Callable[[str], bool] = bool) -> dict[str, str]:
    """Return the environment, completed with the local stack's connections where a stack is there.

    A setting that the environment gives in any form (itself, as a file, in the service's secret) is left alone; of the
    others `only` some are taken.
    """
    given = dict(os.environ if environment is None else environment)
    missing = {name: value for name, value in local().items() if only(name) and not is_given(name, given)}
    return {**missing, **given}


def local() -> Mapping[str, str]:
    """Return the connections of this checkout's stack; none where no stack was ever started."""
    if not layout.find().credentials.exists():
        return {}
    import souk_local

    return souk_local.connections(souk_local.here())


def is_given(name: str, environment: Mapping[str, str]) -> bool:
    """Tell whether the environment says a setting in any of the forms it may have."""
    service = name.partition("_")[0]
    return any(one in environment for one in (name, name + FILE, service + SECRET_ID))


def of_functions(name: str) -> bool:
    """Tell whether a setting is one of those that functions have: no migration's, and not the relay's."""
    return not name.endswith((OWNERS, RELAYS))


def of_bridge(name: str) -> bool:
    """Tell whether a setting is one of those that the bridge needs."""
    return name.endswith(RELAYS) or name in {"PRODUCT_MONGO_URL", "CART_REDIS_URL", "BRIDGE_RABBIT_URL"}


def of_both(name: str) -> bool:
    """Tell whether a setting is one of those that functions have, or the bridge needs."""
    return of_functions(name) or of_bridge(name)


def adopt(stage: str | None = None, *, only: Callable[[str], bool], aws: bool = False) -> None:
    """Complete this process's environment for a stage, the one it names when none is given.

    Of the local stack's settings `only` some are taken. A stage elsewhere has to be said completely: nothing of the
    local stack's is mixed into it. With `aws`, calls of AWS go to the local stack where that is the stage.
    """
    wanted = os.environ["SOUK_STAGE"] = stage or os.environ.get("SOUK_STAGE") or LOCAL
    if wanted not in HERE:
        return
    os.environ.update(fill(only=only))
    os.environ["SOUK_STAGE"] = wanted
    if aws and wanted == LOCAL:
        import souk_local

        for name, value in souk_local.environment(souk_local.here().site).items():
            os.environ.setdefault(name, value)


def silent(names: Iterable[str]) -> dict[str, str]:
    """Return those stores, of the settings that hold their addresses, that nobody listens for, and where that is."""
    addresses = {name: os.environ[name] for name in names if name in os.environ}
    return {name: where for name, url in addresses.items() if (where := _silent(url))}


def _silent(url: str) -> str:
    """Return the host and port of an address when none of its hosts takes a connection, else nothing."""
    places = [place for place in urlsplit(url).netloc.rpartition("@")[2].split(",") if ":" in place]
    if not places or any(map(_listens, places)):
        return ""
    return ",".join(places)


def _listens(place: str) -> bool:
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=SECONDS).close()
    except OSError:
        return False
    return True


def insist(settings: Mapping[str, str]) -> None:
    """Refuse to go on without a setting, or while nobody listens there; `settings` says what each is the address of."""
    unset = [name for name in settings if not is_given(name, os.environ)]
    if unset:
        raise StackError(f"the settings {', '.join(unset)} are missing: start the local stack (`souk up`) or set them")
    down = silent(settings)
    if down:
        told = ", ".join(f"{settings[name]} ({where})" for name, where in down.items())
        raise StackError(f"nobody answers at {told}; `souk up` starts the local stack")
