"""How every part of the stack, every function and the bridge are doing."""

from __future__ import annotations

import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from souk_local import ready, settings, store

if TYPE_CHECKING:
    from souk_local.stack import Stack

FUNCTIONS = "/_souk/functions"
TIMEOUT = 3.0


class Part(Struct, frozen=True, kw_only=True):
    """One part of the stack."""

    name: str
    title: str
    engine: str
    version: str
    where: tuple[str, ...]
    port: int
    health: str
    """`up`, `ailing` (runs but doesn't work), `down`, or `idle` (nothing to do before a deployment)."""
    reason: str
    memory: int
    data: int


class Function(Struct, frozen=True, kw_only=True):
    """One deployed function; its numbers count from LocalStack's start."""

    name: str
    deployed_at: str = ""
    invocations: int = 0
    errors: int = 0
    last_error: str | None = None


class Status(Struct, frozen=True, kw_only=True):
    """Everything `souk status` tells."""

    parts: list[Part]
    functions: list[Function]
    bridge: object = None


class Deployment(Struct, frozen=True):
    """What is read of the note that a deployment leaves: when each function was last deployed."""

    functions: dict[str, str] = {}


def of(whole: Stack) -> Status:
    """Look at everything at the same time. Raises StackError where it would look on the wrong ports."""
    whole.same_ports()
    with ThreadPoolExecutor(max_workers=len(store.MODULES)) as pool:
        parts = list(pool.map(lambda name: part(whole, name), whole.parts()))
    return Status(parts=parts, functions=functions_status(whole), bridge=bridge_status(whole))


def part(whole: Stack, name: str) -> Part:
    """Look at one part."""
    said, engine = store.named(name), whole.engine_of(name)
    seen = engine.look(name)
    health, reason = health_of(whole, name)
    return Part(
        name=name,
        title=said.TITLE,
        engine=engine.name,
        version=seen.version,
        where=seen.where,
        port=whole.site.port(said.PORTS[0]),
        health=health,
        reason=reason,
        memory=seen.memory,
        data=seen.data,
    )


def health_of(whole: Stack, name: str) -> tuple[str, str]:
    """Whether a part works, and if not, why."""
    if name == "bridge" and not whole.layout.deployed.exists():
        return "idle", "nothing is deployed"
    if not whole.engine_of(name).alive(name):
        return "down", whole.note(f"{name}.lost")
    try:
        store.named(name).probe(whole.site)
    except ready.NotReady as reason:
        return "ailing", str(reason)
    return "up", ""


def functions_status(whole: Stack) -> list[Function]:
    """Every function that was deployed or ran, with what LocalStack counted."""
    counted = counts(settings.endpoint(whole.layout))
    deployed = deployment(whole).functions
    return [
        msgspec.structs.replace(counted.get(name, Function(name=name)), deployed_at=deployed.get(name, ""))
        for name in sorted({*counted, *deployed})
    ]


def counts(endpoint: str) -> dict[str, Function]:
    """Return the numbers that our executor keeps in LocalStack; none where it doesn't answer or isn't ours."""
    try:
        with urllib.request.urlopen(endpoint + FUNCTIONS, timeout=TIMEOUT) as answer:  # noqa: S310 - LocalStack's address
            found = msgspec.json.decode(answer.read(), type=dict[str, dict[str, object]])
        return {name: msgspec.convert({**numbers, "name": name}, Function) for name, numbers in found.items()}
    except (OSError, urllib.error.URLError, msgspec.MsgspecError):
        return {}


def deployment(whole: Stack) -> Deployment:
    """Return the note of the last deployment."""
    try:
        return msgspec.json.decode(whole.layout.deployed.read_bytes(), type=Deployment)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Deployment()


def bridge_status(whole: Stack) -> object:
    """Tell what the bridge says of its lag; nothing where it doesn't answer."""
    try:
        return msgspec.json.decode(ready.get(whole.site.port("bridge"), "/status", timeout=TIMEOUT))
    except (ready.NotReady, msgspec.MsgspecError):
        return None
