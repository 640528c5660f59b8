"""What Souk keeps in an AWS account besides its functions: the stack of queues and roles, secrets, layers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from souk.errors import Refused
from souk_cli.apps import ROOT
from souk_cli.layers import RUNTIME, Layer
from souk_cli.target import shown
from souk_local.services import SERVICES

if TYPE_CHECKING:
    from souk_cli.target import Target

TEMPLATE = ROOT / "infra" / "stack.yaml"
PARTIAL = "ReportBatchItemFailures"
DEAD_STACKS = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})


class Secret(Struct, frozen=True, kw_only=True):
    """A secret as it is now."""

    version: str
    changed: bool


def stack_up(target: Target) -> tuple[dict[str, str], bool]:
    """Create or update the stack and wait for it; return its outputs and whether anything changed."""
    cloud, name = target.client("cloudformation"), f"{target.stage}-souk"
    found = _stack(cloud, name)
    if found and found["StackStatus"] in DEAD_STACKS:
        cloud.delete_stack(StackName=name)
        _await(cloud, name, "stack_delete_complete", target)
        found = None
    changed = _begin(cloud, name, target, update=found is not None)
    if changed:
        _await(cloud, name, "stack_update_complete" if found else "stack_create_complete", target)
    return _outputs(_stack(cloud, name) or {}), changed


def _begin(cloud: Any, name: str, target: Target, *, update: bool) -> bool:
    """Ask for the stack as the template has it; tell whether that is another one than there is."""
    from botocore.exceptions import ClientError

    ask = cloud.update_stack if update else cloud.create_stack
    try:
        ask(
            StackName=name,
            TemplateBody=TEMPLATE.read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": "Stage", "ParameterValue": target.stage}],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
    except ClientError as error:
        if "No updates are to be performed" in str(error):
            return False
        raise
    return True


def _stack(cloud: Any, name: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        found: dict[str, Any] = cloud.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return found


def _outputs(stack: Mapping[str, Any]) -> dict[str, str]:
    return {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", ())}


def _pace(target: Target) -> dict[str, int]:
    return {"Delay": 1, "MaxAttempts": 120} if target.local else {"Delay": 5, "MaxAttempts": 240}


def _await(cloud: Any, name: str, waiter: str, target: Target) -> None:
    from botocore.exceptions import WaiterError

    try:
        cloud.get_waiter(waiter).wait(StackName=name, WaiterConfig=_pace(target))
    except WaiterError as error:
        events = cloud.describe_stack_events(StackName=name)["StackEvents"]
        why = [
            f"{one['LogicalResourceId']}: {one['ResourceStatusReason']}"
            for one in events
            if "FAILED" in one["ResourceStatus"]
        ]
        raise Refused(f"the stack {name} cannot be made: {'; '.join(why) or error}") from error


def write_secrets(target: Target, services: Sequence[str]) -> dict[str, Secret]:
    """Write the secrets of services where they changed, and the bridge's if all of its settings are known."""
    secrets = target.client("secretsmanager")
    wanted = {service: target.secrets(service) for service in services}
    if not target.lacking([*SERVICES, "bridge"]):
        wanted["bridge"] = target.bridge()
    return {name: _write(secrets, f"{target.stage}/souk/{name}", shown(values)) for name, values in wanted.items()}


def _write(secrets: Any, name: str, value: str) -> Secret:
    with suppress(secrets.exceptions.ResourceNotFoundException):  # made by the stack, and still empty
        kept = secrets.get_secret_value(SecretId=name)
        if kept["SecretString"] == value:
            return Secret(version=kept["VersionId"], changed=False)
    made = secrets.put_secret_value(SecretId=name, SecretString=value)
    return Secret(version=made["VersionId"], changed=True)


def publish(target: Target, layer: Layer) -> tuple[str, bool]:
    """Publish a layer unless its newest version is the same; return that version's ARN and whether it is new."""
    functions, name = target.client("lambda"), f"{target.stage}-souk-{layer.name}"
    newest = functions.list_layer_versions(LayerName=name, MaxItems=1)["LayerVersions"]
    if newest:
        kept = functions.get_layer_version(LayerName=name, VersionNumber=newest[0]["Version"])
        if kept["Content"]["CodeSha256"] == layer.sha256:
            return str(newest[0]["LayerVersionArn"]), False
    made = functions.publish_layer_version(
        LayerName=name,
        Content={"ZipFile": layer.zip.read_bytes()},
        CompatibleRuntimes=[RUNTIME],
        CompatibleArchitectures=[target.architecture],
    )
    return str(made["LayerVersionArn"]), True


def functions(target: Target) -> frozenset[str]:
    """Return the names of all functions there are."""
    pages = target.client("lambda").get_paginator("list_functions").paginate()
    return frozenset(one["FunctionName"] for page in pages for one in page["Functions"])


def apis(target: Target) -> frozenset[str]:
    """Return the ids of all APIs there are."""
    pages = target.client("apigateway").get_paginator("get_rest_apis").paginate()
    return frozenset(one["id"] for page in pages for one in page["items"])


def report_partial_failures(target: Target, names: Iterable[str]) -> None:
    """Let functions that take messages answer which of a batch failed: Chalice cannot ask for it."""
    lambdas = target.client("lambda")
    for name in names:
        for mapping in lambdas.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
            if PARTIAL not in mapping.get("FunctionResponseTypes", ()):
                lambdas.update_event_source_mapping(UUID=mapping["UUID"], FunctionResponseTypes=[PARTIAL])
