"""`souk deploy`: from a checkout to six running services, on the local stack and on AWS by the same steps."""

from __future__ import annotations

import fcntl
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from souk.errors import Refused, SoukError, Unavailable
from souk.stages import LOCAL
from souk_cli import account, layers, packaging, target
from souk_cli.apps import FUNCTIONS
from souk_cli.migrate import migrate
from souk_cli.target import Target
from souk_local.services import SERVICES

AT_ONCE = 3  # Chalice spends much of its time waiting
SMOKE = 30.0  # seconds for a first, cold answer
Say = Callable[[str, str], None]
"""Tells what happens to a part: its name and what is the case."""


class Service(Struct, frozen=True, kw_only=True):
    """One deployed service, as it is recorded."""

    at: str
    fingerprint: str
    api_id: str
    url: str
    functions: tuple[str, ...]


class Record(Struct, frozen=True, kw_only=True):
    """All that is deployed to one stage; `functions` tells when each was."""

    stage: str
    services: dict[str, Service] = {}
    functions: dict[str, str] = {}


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of one service: `deployed`, `unchanged` or `failed`."""

    service: str
    what: str
    seconds: float = 0.0
    functions: int = 0
    migrations: tuple[str, ...] = ()
    health: str = ""
    ready: str = ""
    url: str = ""
    error: str = ""


class _Ground(Struct, frozen=True, kw_only=True):
    """What all services stand on, once it is made."""

    target: Target
    outputs: Mapping[str, str]
    layer_arns: Mapping[str, str]
    secrets: Mapping[str, account.Secret]
    functions: frozenset[str]
    apis: frozenset[str]
    before: Record
    say: Say


def redeploy(say: Say) -> list[str]:
    """Deploy again what was deployed on LocalStack, which has nothing when it starts; return what failed, and why."""
    goal = target.of(LOCAL)
    known = read_record(goal).services
    again = deploy(goal, tuple(service for service in SERVICES if service in known) or SERVICES, say=say)
    return [f"{one.service}: {one.error}" for one in again if one.error]


def deploy(goal: Target, services: Sequence[str] = SERVICES, *, say: Say) -> list[Outcome]:
    """Bring services to a stage; one that fails does not keep the others from it.

    Raises a SoukError when what all of them need cannot be made.
    """
    if lacking := goal.lacking(services):
        raise Refused(f"these settings are missing: {', '.join(lacking)}")
    with target.answering(goal), _alone(say):
        ground = _prepare(goal, services, say)
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            brought = {service: pool.submit(_bring, service, ground) for service in _longest_first(services)}
        outcomes = [brought[service].result() for service in services]
        _write_record(goal, {outcome.service: service for outcome, service in outcomes})
    _tell_gateway(goal)
    return [outcome for outcome, _ in outcomes]


def _longest_first(services: Sequence[str]) -> list[str]:
    """Return the order in which nobody is waited for at the end: more layers, more stores, more functions."""
    return sorted(services, key=lambda service: len(packaging.template(service).layers), reverse=True)


@contextmanager
def _alone(say: Say) -> Iterator[None]:
    """Let one deployment at a time work in this checkout: Chalice keeps its files beside the apps."""
    folder = os.open(FUNCTIONS, os.O_RDONLY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("", "waiting for another deployment of this checkout")
            fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _prepare(goal: Target, services: Sequence[str], say: Say) -> _Ground:
    """Make the stack, the secrets and the layers."""
    names = [name for name in layers.NAMES if any(name in packaging.template(one).layers for one in services)]
    with ThreadPoolExecutor(max_workers=len(names) + 1) as pool:
        stack = pool.submit(account.stack_up, goal)
        built = [pool.submit(_layer, name, goal, say) for name in names]
        outputs, changed = stack.result()
        say("stack", "made" if changed else "unchanged")
        secrets = account.write_secrets(goal, services)
        if written := [name for name, secret in secrets.items() if secret.changed]:
            say("secrets", f"written for {', '.join(written)}")
        arns = dict(zip(names, (one.result() for one in built), strict=True))
    return _Ground(
        target=goal,
        outputs=outputs,
        layer_arns=arns,
        secrets=secrets,
        functions=account.functions(goal),
        apis=account.apis(goal),
        before=read_record(goal),
        say=say,
    )


def _layer(name: str, goal: Target, say: Say) -> str:
    """Build and publish a layer; return its version's ARN."""
    out, cache = goal.place.state / "build" / "layers", goal.place.tools / "layers"
    layer = layers.build(name, out=out, cache=cache, architecture=goal.architecture)
    arn, new = account.publish(goal, layer)
    if new:
        say(f"layer {name}", f"published, {layer.zip.stat().st_size / 1e6:.1f} MB")
    return arn


def _bring(service: str, ground: _Ground) -> tuple[Outcome, Service | None]:
    """Migrate, deploy and try one service."""
    began = time.monotonic()
    try:
        outcome, made = _deployed(service, ground)
    except SoukError as error:
        return _failed(service, str(error), ground, began), None
    except Exception as error:  # noqa: BLE001 - an app that cannot be imported fails alone, whatever it raises
        return _failed(service, f"{type(error).__name__}: {error}", ground, began), None
    spent = replace(outcome, seconds=time.monotonic() - began)
    ground.say(service, f"{spent.what} in {spent.seconds:.1f} s; {spent.health}, {spent.ready}")
    return spent, made


def _failed(service: str, why: str, ground: _Ground, began: float) -> Outcome:
    ground.say(service, "failed")
    return Outcome(service=service, what="failed", error=why, seconds=time.monotonic() - began)


def _deployed(service: str, ground: _Ground) -> tuple[Outcome, Service]:
    goal = ground.target
    applied = migrate(service, goal.settings, say=lambda text: ground.say(service, f"warning: {text}"))
    role = ground.outputs[f"{service.capitalize()}RoleArn"]
    secret = ground.secrets[service].version
    wanted = packaging.configuration(service, goal, role=role, layer_arns=ground.layer_arns, secret=secret)
    fingerprint = packaging.fingerprint(service, wanted)
    made = _still_there(service, fingerprint, ground)
    what = "unchanged" if made else "deployed"
    if made is None:
        packaging.configure(service, goal.stage, wanted)
        new = packaging.chalice_deploy(service, goal, apis=ground.apis, functions=ground.functions)
        account.report_partial_failures(goal, new.consumers)
        made = Service(
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            fingerprint=fingerprint,
            api_id=new.api_id,
            url=goal.url(new.api_id),
            functions=new.functions,
        )
    alive, ready = smoke(made.url)
    outcome = Outcome(
        service=service,
        what=what,
        functions=len(made.functions),
        migrations=tuple(applied),
        health=alive,
        ready=ready,
        url=made.url,
    )
    return outcome, made


def _still_there(service: str, fingerprint: str, ground: _Ground) -> Service | None:
    """Return the service as it was deployed before if nothing about it changed and nothing of it is gone."""
    known = ground.before.services.get(service)
    if known is None or known.fingerprint != fingerprint or known.api_id not in ground.apis:
        return None
    return known if ground.functions.issuperset(known.functions) else None


class _Health(Struct, frozen=True):
    status: str
    stores: dict[str, dict[str, str]] = {}


def smoke(url: str) -> tuple[str, str]:
    """Ask a service whether it lives and is ready. Raises Unavailable when it does not say that it lives."""
    alive = _ask(f"{url}/health")
    if alive is None or alive.status != "alive":
        raise Unavailable(f"it was deployed, and {url}/health does not answer")
    ready = _ask(f"{url}/health/ready")
    if ready is None:
        return alive.status, "readiness unknown"
    down = [store for store, state in ready.stores.items() if state.get("status") != "up"]
    return alive.status, f"{ready.status}: {', '.join(down)} down" if down else ready.status


def _ask(url: str) -> _Health | None:
    try:
        with urllib.request.urlopen(url, timeout=SMOKE) as answer:  # noqa: S310 - an API's address
            said = answer.read()
    except urllib.error.HTTPError as error:
        said = error.read()  # 503 says which stores are down
    except OSError:
        return None
    try:
        return msgspec.json.decode(said, type=_Health)
    except msgspec.MsgspecError:
        return None


def read_record(goal: Target) -> Record:
    """Return what was deployed to a stage."""
    try:
        return msgspec.json.decode(goal.record.read_bytes(), type=Record)
    except (FileNotFoundError, msgspec.MsgspecError):
        return Record(stage=goal.stage)


def _write_record(goal: Target, made: Mapping[str, Service | None]) -> None:
    """Add to the record what was deployed; what failed may be half of it, so that it never counts as unchanged."""
    before = read_record(goal).services
    failed = {name: replace(before[name], fingerprint="") for name, one in made.items() if not one and name in before}
    services = {**before, **failed, **{name: one for name, one in made.items() if one}}
    functions = {name: one.at for one in services.values() for name in one.functions}
    record = Record(stage=goal.stage, services=services, functions=functions)
    draft = goal.record.with_suffix(f".{os.getpid()}")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(record)))
    draft.replace(goal.record)


def _tell_gateway(goal: Target) -> None:
    """Let the local gateway send each base path to its API."""
    if goal.local:
        from souk_local import gateway

        api_ids = {service: one.api_id for service, one in read_record(goal).services.items()}
        gateway.write_routes(api_ids, place=goal.place)
