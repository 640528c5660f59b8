"""The environment's settings win over the local stack's, in whatever form it gives them."""

import os

import pytest

from souk_cli import connections

STACK = {"ORDER_DATABASE_URL": "stack", "CART_REDIS_URL": "stack", "ADMIN_SIGNING_KEY": "stack"}


def test_what_is_missing_comes_from_the_local_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "local", lambda: STACK)
    assert connections.fill({"ORDER_DATABASE_URL": "mine"})["ORDER_DATABASE_URL"] == "mine"
    assert connections.fill({})["ORDER_DATABASE_URL"] == "stack"


@pytest.mark.parametrize("form", ["ORDER_DATABASE_URL_FILE", "ORDER_SECRET_ID"])
def test_a_setting_in_another_form_is_not_overridden(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setattr(connections, "local", lambda: STACK)
    assert "ORDER_DATABASE_URL" not in connections.fill({form: "x"})


def test_a_stage_elsewhere_gets_nothing_of_the_local_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "local", lambda: STACK)
    environment: dict[str, str] = {}
    monkeypatch.setattr(os, "environ", environment)
    connections.adopt("production", only=bool)
    assert environment == {"SOUK_STAGE": "production"}


def test_functions_are_given_neither_the_owners_nor_the_relays_keys() -> None:
    names = ["ORDER_DATABASE_URL", "ORDER_OWNER_DATABASE_URL", "ORDER_RELAY_DATABASE_URL", "CART_SIGNING_KEY"]
    assert list(filter(connections.of_functions, names)) == ["ORDER_DATABASE_URL", "CART_SIGNING_KEY"]
    assert list(filter(connections.of_bridge, names)) == ["ORDER_RELAY_DATABASE_URL"]
