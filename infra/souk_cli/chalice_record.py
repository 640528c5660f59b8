"""Chalice's record of what it made for an app, kept in the account it is about; without it, it makes all twice."""

from __future__ import annotations

import base64
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from souk_cli import apps
from souk_cli.apps import folder

if TYPE_CHECKING:
    from souk_cli.target import Target

NOTHING = {"resources": [], "schema_version": "2.0", "backend": "api"}


class Deployed(Struct, frozen=True):
    """What `chalice deploy` made."""

    api_id: str
    functions: tuple[str, ...]
    consumers: tuple[str, ...]  # those of the functions that take messages


def read(service: str, stage: str) -> Deployed:
    """Return what the record beside the app says."""
    resources = _resources(path(service, stage))
    made = [one for one in resources if one["resource_type"] == "lambda_function"]
    handlers = {one.handler for one in apps.app(service).consumers}
    return Deployed(
        api_id=next((str(one["rest_api_id"]) for one in resources if one["resource_type"] == "rest_api"), ""),
        functions=tuple(_function_name(one["lambda_arn"]) for one in made),
        consumers=tuple(_function_name(one["lambda_arn"]) for one in made if one["name"] in handlers),
    )


def path(service: str, stage: str) -> Path:
    """Return where Chalice looks for its record."""
    return folder(service) / ".chalice" / "deployed" / f"{stage}.json"


def recall(service: str, target: Target, *, apis: frozenset[str], functions: frozenset[str]) -> None:
    """Put the record beside the app right.

    It is the newest if it is of this account: then its API is among `apis`. Otherwise the account's own is taken.
    """
    beside = path(service, target.stage)
    if not (beside.exists() and read(service, target.stage).api_id in apis):
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(_kept(service, target))
    _adopt(service, target, functions)


def remember(service: str, target: Target) -> None:
    """Keep the record in the account; a parameter holds 4 KB, so it is compressed."""
    value = base64.b64encode(zlib.compress(path(service, target.stage).read_bytes())).decode()
    name = _parameter(service, target.stage)
    target.client("ssm").put_parameter(Name=name, Value=value, Type="String", Overwrite=True)


def _kept(service: str, target: Target) -> bytes:
    parameters = target.client("ssm")
    try:
        kept = parameters.get_parameter(Name=_parameter(service, target.stage))["Parameter"]["Value"]
    except parameters.exceptions.ParameterNotFound:
        return json.dumps(NOTHING).encode()
    return zlib.decompress(base64.b64decode(kept))


def _parameter(service: str, stage: str) -> str:
    return f"/souk/{stage}/{service}/deployed"


def _adopt(service: str, target: Target, functions: frozenset[str]) -> None:
    """Add event source mappings that a deployment cut short left unrecorded: Chalice would fail to make them again."""
    resources = _resources(path(service, target.stage))
    known = {one["event_uuid"] for one in resources if one["resource_type"] == "sqs_event"}
    found = [one for one in _mappings(service, target, functions) if one["event_uuid"] not in known]
    names = {one["name"] for one in found}
    whole = [one for one in resources if one["name"] not in names] + found
    path(service, target.stage).write_text(json.dumps({**NOTHING, "resources": whole}, indent=2))


def _mappings(service: str, target: Target, functions: frozenset[str]) -> list[dict[str, str]]:
    """Return the event source mappings there are, as Chalice would have recorded them."""
    lambdas = target.client("lambda")
    handlers = {one.handler: f"{service}-{target.stage}-{one.handler}" for one in apps.app(service).consumers}
    return [
        _mapping(handler, one)
        for handler, name in handlers.items()
        if name in functions
        for one in lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    ]


def _mapping(handler: str, found: dict[str, Any]) -> dict[str, str]:
    return {
        "name": f"{handler}-sqs-event-source",
        "resource_type": "sqs_event",
        "queue_arn": found["EventSourceArn"],
        "event_uuid": found["UUID"],
        "queue": _last(found["EventSourceArn"]),
        "lambda_arn": found["FunctionArn"],
    }


def _resources(record: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(record.read_bytes())["resources"]
    return found


def _last(arn: str) -> str:
    return arn.rsplit(":", 1)[1]


def _function_name(arn: str) -> str:
    return arn.split(":")[6]
