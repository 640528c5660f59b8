import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from souk_cli import account, apps, chalice_record, packaging
from souk_cli.layers import Layer
from souk_cli.target import Target
from souk_local import layout

ARNS = {name: f"arn:{name}:1" for name in ("souk", "postgres", "mongo", "redis", "elasticsearch", "neo4j")}
ACCOUNT = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-central-1"}


@pytest.fixture
def goal() -> Iterator[Target]:
    """A stage in an account of its own."""
    with mock_aws():
        yield Target(stage="trial", settings={"ORDER_MONGO_URL": "m"}, environment=ACCOUNT, place=layout.find())


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of an app, with the real one's template."""
    kept = apps.folder("order") / ".chalice" / "config.template.json"
    home = tmp_path / "order"
    (home / ".chalice").mkdir(parents=True)
    (home / ".chalice" / kept.name).write_text(kept.read_text())
    (home / "chalicelib" / "order").mkdir(parents=True)
    for name in ("app.py", "requirements.txt", "chalicelib/order/model.py"):
        (home / name).write_text("")
    monkeypatch.setattr("souk_cli.packaging.folder", lambda _: home)
    monkeypatch.setattr("souk_cli.chalice_record.folder", lambda _: home)
    return home


def wanted(goal: Target) -> dict[str, Any]:
    return packaging.configuration("order", goal, role="arn:role", layer_arns=ARNS, secret="v1")


def test_a_stage_gets_its_role_layers_and_settings(goal: Target) -> None:
    made = wanted(goal)
    assert made["iam_role_arn"] == "arn:role"
    assert made["layers"] == ["arn:souk:1", "arn:postgres:1", "arn:mongo:1"]
    assert made["environment_variables"]["ORDER_SECRET_ID"] == "trial/souk/order"
    assert made["log_retention_in_days"] == 30


def test_consumers_have_their_own_time_out(goal: Target) -> None:
    handlers = {one.handler for one in apps.consumers()["order"]}
    assert {name: one["lambda_timeout"] for name, one in wanted(goal)["lambda_functions"].items()} == dict.fromkeys(
        handlers, 30
    )


def test_functions_join_the_network_that_settings_name(goal: Target) -> None:
    networked = Target(
        stage="trial",
        settings={"SOUK_SUBNET_IDS": "subnet-1,subnet-2", "SOUK_SECURITY_GROUP_IDS": "sg-1"},
        environment=ACCOUNT,
        place=goal.place,
    )
    assert wanted(networked)["subnet_ids"] == ["subnet-1", "subnet-2"]
    assert "subnet_ids" not in wanted(goal)


def test_writing_one_stage_keeps_the_others_and_hands_chalice_nothing_of_ours(order: Path, goal: Target) -> None:
    packaging.configure("order", "one", {"layers": ["a"]})
    packaging.configure("order", "two", {"layers": ["b"]})
    made = json.loads((order / ".chalice" / "config.json").read_text())
    assert made["stages"] == {"one": {"layers": ["a"]}, "two": {"layers": ["b"]}}
    assert not {"layers", "consumers"} & set(made)


def test_what_changes_a_deployment_changes_its_fingerprint(order: Path) -> None:
    seen = {packaging.fingerprint("order", {})}
    (order / "chalicelib" / "order" / "model.py").write_text("CHANGED = 1\n")
    seen.add(packaging.fingerprint("order", {}))
    seen.add(packaging.fingerprint("order", {"layers": ["arn:souk:2"]}))
    assert len(seen) == 3


def test_compiled_files_do_not_change_a_fingerprint(order: Path) -> None:
    before = packaging.fingerprint("order", {})
    (order / "chalicelib" / "__pycache__").mkdir()
    (order / "chalicelib" / "__pycache__" / "model.pyc").write_bytes(b"x")
    assert packaging.fingerprint("order", {}) == before


def recorded(api: str) -> str:
    return json.dumps({**chalice_record.NOTHING, "resources": [rest_api(api)]})


def rest_api(api: str) -> dict[str, str]:
    return {"name": "rest_api", "resource_type": "rest_api", "rest_api_id": api, "rest_api_url": ""}


def recall(goal: Target, *, apis: frozenset[str]) -> str:
    chalice_record.recall("order", goal, apis=apis, functions=frozenset())
    return chalice_record.read("order", goal.stage).api_id


def test_the_accounts_record_replaces_one_of_another_account(order: Path, goal: Target) -> None:
    beside = chalice_record.path("order", goal.stage)
    beside.parent.mkdir()
    beside.write_text(recorded("ours"))
    chalice_record.remember("order", goal)
    beside.write_text(recorded("theirs"))
    assert recall(goal, apis=frozenset({"ours"})) == "ours"


def test_the_record_beside_the_app_is_the_newest_of_the_same_account(order: Path, goal: Target) -> None:
    beside = chalice_record.path("order", goal.stage)
    beside.parent.mkdir()
    beside.write_text(recorded("old"))
    chalice_record.remember("order", goal)
    beside.write_text(recorded("new"))
    assert recall(goal, apis=frozenset({"old", "new"})) == "new"


def test_without_any_record_chalice_begins_with_an_empty_one(order: Path, goal: Target) -> None:
    assert recall(goal, apis=frozenset()) == ""


def test_an_unchanged_layer_is_not_published_again(goal: Target, tmp_path: Path) -> None:
    zipped = tmp_path / "souk.zip"
    zipped.write_bytes(b"PK\x05\x06" + bytes(18))  # an empty archive
    layer = Layer(name="souk", zip=zipped, fresh=True)
    first, again = account.publish(goal, layer), account.publish(goal, layer)
    assert (first[1], again[1]) == (True, False)
    assert first[0] == again[0]


def test_unchanged_secrets_are_not_written_again(goal: Target) -> None:
    goal.client("secretsmanager").create_secret(Name="trial/souk/order")
    first, again = (account.write_secrets(goal, ["order"])["order"] for _ in range(2))
    assert (first.changed, again.changed) == (True, False)
    assert first.version == again.version
