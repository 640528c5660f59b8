"""The template and the apps cannot drift apart; LocalStack enforces no policies, so they are read here."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from souk_cli import account, apps, packaging
from souk_cli.layers import NAMES, SOURCES
from souk_local.services import SERVICES

LAMBDA_LAYERS_AT_MOST = 5


class Cloud(yaml.SafeLoader):
    """Reads the short forms of CloudFormation's functions."""


def function(loader: Cloud, name: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        text = loader.construct_scalar(node)
        return {"Ref": text} if name == "Ref" else {f"Fn::{name}": text.split(".") if name == "GetAtt" else text}
    assert isinstance(node, yaml.SequenceNode)
    return {f"Fn::{name}": loader.construct_sequence(node, deep=True)}


Cloud.add_multi_constructor("!", function)


@cache
def template() -> dict[str, Any]:
    found: dict[str, Any] = yaml.load(account.TEMPLATE.read_text(), Cloud)  # noqa: S506 - a safe loader
    return found


def resources(kind: str) -> dict[str, dict[str, Any]]:
    return {name: one["Properties"] for name, one in template()["Resources"].items() if one["Type"] == kind}


def queue(name: str) -> str:
    """The logical name of a consumer's queue."""
    return "".join(part.capitalize() for part in name.split("-"))


def consumers() -> dict[str, set[str]]:
    return {service: {one.name for one in owned} for service, owned in apps.consumers().items()}


def statements(service: str, effect: str = "Allow") -> list[dict[str, Any]]:
    role = template()["Resources"][f"{service.capitalize()}Role"]["Properties"]
    (policy,) = role["Policies"]
    found = [plain(one) for one in policy["PolicyDocument"]["Statement"]]
    return [one for one in found if one["Effect"] == effect]


def plain(statement: dict[str, Any]) -> dict[str, Any]:
    """A statement as it is on AWS: the first branch of a condition."""
    found: dict[str, Any] = statement["Fn::If"][1] if "Fn::If" in statement else statement
    return found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def allowed(service: str, action: str) -> Iterator[Any]:
    for statement in statements(service):
        if action in listed(statement["Action"]):
            yield from listed(statement["Resource"])


def arn(logical: str) -> dict[str, list[str]]:
    return {"Fn::GetAtt": [logical, "Arn"]}


def test_every_consumer_has_its_queue_and_dead_letters_and_no_queue_is_left_over() -> None:
    names = {
        one["QueueName"]["Fn::Sub"].removeprefix("${Stage}-souk-") for one in resources("AWS::SQS::Queue").values()
    }
    wanted = {name for owned in consumers().values() for name in owned}
    assert names == wanted | {f"{name}-dead" for name in wanted}


def test_every_queue_gives_up_to_its_own_dead_letters() -> None:
    queues = resources("AWS::SQS::Queue")
    for name in (name for name in queues if not name.endswith("Dead")):
        assert queues[name]["RedrivePolicy"]["deadLetterTargetArn"] == arn(f"{name}Dead")


def test_dead_letters_are_kept_for_two_weeks() -> None:
    assert template()["Parameters"]["DeadLetterRetention"]["Default"] == 14 * 24 * 3600


def test_a_message_stays_hidden_six_times_as_long_as_a_consumer_may_take() -> None:
    longest = max(packaging.template(service).consumers["lambda_timeout"] for service in SERVICES)
    assert template()["Parameters"]["VisibilityTimeout"]["MinValue"] >= 6 * longest


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_takes_messages_from_its_own_queues_only(service: str) -> None:
    own = [arn(queue(name)) for name in consumers()[service]]
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"):
        assert sorted(map(str, allowed(service, action))) == sorted(map(str, own))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_sends_to_its_own_queues_and_dead_letters_only(service: str) -> None:
    own = [arn(f"{queue(name)}{end}") for name in consumers()[service] for end in ("", "Dead")]
    assert sorted(map(str, allowed(service, "sqs:SendMessage"))) == sorted(map(str, own))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_its_own_secret_only(service: str) -> None:
    assert list(allowed(service, "secretsmanager:GetSecretValue")) == [{"Ref": f"{service.capitalize()}Secret"}]


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_is_allowed_on_everything_but_network_interfaces(service: str) -> None:
    for statement in statements(service):
        if "*" in listed(statement["Resource"]):
            assert all(action.startswith("ec2:") for action in listed(statement["Action"]))
        assert not any("*" in action for action in listed(statement["Action"]))


@pytest.mark.parametrize("service", SERVICES)
def test_a_functions_own_code_has_no_business_with_network_interfaces(service: str) -> None:
    (denied,) = statements(service, "Deny")
    assert (denied["Action"], denied["Resource"]) == ("ec2:*", "*")
    assert denied["Condition"] == {
        "Null": {"lambda:SourceFunctionArn": "false"}
    }  # Lambda says it of code's calls alone


def test_the_bridge_may_send_to_every_queue_and_nothing_else() -> None:
    (policy,) = resources("AWS::IAM::ManagedPolicy").values()
    sends = [one for one in policy["PolicyDocument"]["Statement"] if "sqs:SendMessage" in listed(one["Action"])]
    wanted = [arn(queue(name)) for owned in consumers().values() for name in owned]
    assert sorted(map(str, sends[0]["Resource"])) == sorted(map(str, wanted))
    assert len(sends) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_an_app_takes_layers_that_exist_and_not_too_many(service: str) -> None:
    wanted = packaging.template(service).layers
    assert set(wanted) <= set(NAMES)
    assert len(wanted) <= LAMBDA_LAYERS_AT_MOST
    assert wanted[0] == "souk"


def test_every_layer_folder_is_known() -> None:
    assert {path.name for path in SOURCES.iterdir() if path.is_dir()} == set(NAMES)


def test_names_begin_with_the_stage() -> None:
    named = [
        one[key]["Fn::Sub"]
        for one in (one["Properties"] for one in template()["Resources"].values())
        for key in ("QueueName", "RoleName", "Name", "ManagedPolicyName")
        if key in one
    ]
    assert named
    assert all(re.match(r"\$\{Stage}[-/]souk[-/]", name) for name in named)
