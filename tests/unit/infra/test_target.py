from collections.abc import Mapping
from pathlib import Path

import pytest

from souk.errors import Refused
from souk_cli import target
from souk_cli.target import Target
from souk_local import layout
from souk_local.services import SERVICES

SETTINGS = {
    "ORDER_DATABASE_URL": "app",
    "ORDER_OWNER_DATABASE_URL": "owner",
    "ORDER_RELAY_DATABASE_URL": "relay",
    "ORDER_MONGO_URL": "documents",
    "ORDER_TRUSTED_KEYS": "public",
    "CART_REDIS_URL": "live",
    "PRODUCT_MONGO_URL": "products",
    "BRIDGE_RABBIT_URL": "rabbit",
}


def made(settings: Mapping[str, str] = SETTINGS, **environment: str) -> Target:
    return Target(stage="prod", settings=settings, environment=environment, place=layout.find())


def test_a_secret_holds_a_services_own_settings_and_neither_owner_nor_relay() -> None:
    assert made().secrets("order") == {"DATABASE_URL": "app", "MONGO_URL": "documents"}


def test_functions_are_told_only_what_may_be_seen() -> None:
    assert made().plain("order") == {
        "SOUK_STAGE": "prod",
        "ORDER_SECRET_ID": "prod/souk/order",
        "ORDER_TRUSTED_KEYS": "public",
    }


def test_the_bridge_gets_relays_and_the_stores_it_reads() -> None:
    assert set(made().bridge()) == {
        "ORDER_RELAY_DATABASE_URL",
        "PRODUCT_MONGO_URL",
        "CART_REDIS_URL",
        "BRIDGE_RABBIT_URL",
    }


def test_missing_settings_are_named() -> None:
    assert made().lacking(["order"]) == []
    assert made().lacking(["cart"]) == [
        "CART_DATABASE_URL",
        "CART_OWNER_DATABASE_URL",
        "CART_RELAY_DATABASE_URL",
        "CART_SIGNING_KEY",
        "CART_TRUSTED_KEYS",
    ]


def test_every_service_says_what_it_needs() -> None:
    assert set(target.NEEDED) == {*SERVICES, "bridge"}


def test_apis_answer_at_the_endpoint_where_there_is_one() -> None:
    assert made(AWS_ENDPOINT_URL="http://127.0.0.1:4566").url("a1") == "http://127.0.0.1:4566/_aws/execute-api/a1/api"
    assert made(AWS_REGION="eu-west-1").url("a1") == "https://a1.execute-api.eu-west-1.amazonaws.com/api"


@pytest.mark.parametrize("text", ["[]", '{"A": 1}', "no json"])
def test_a_settings_file_is_an_object_of_texts(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(Refused, match="no settings file"):
        target.read(path)


@pytest.mark.parametrize("stage", ["", "x y", "Prod", "1st", "a-name-that-is-longer-than-16"])
def test_a_stage_that_nothing_can_be_named_by_is_refused(stage: str) -> None:
    with pytest.raises(Refused, match="a stage is named by"):
        target.of(stage)


def test_what_souk_serve_runs_is_not_deployed() -> None:
    with pytest.raises(Refused, match="`souk serve` runs it"):
        target.of("serve")


def test_the_environment_adds_nothing_that_changes_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    given = target.of("prod").environment
    assert given["AWS_REGION"] == "eu-west-1"
    assert "PYTHONPATH" not in given
