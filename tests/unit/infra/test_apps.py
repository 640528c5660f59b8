from souk.http import Souk
from souk_cli import apps
from souk_local.services import SERVICES


def test_all_apps_load_side_by_side() -> None:
    assert [apps.app(service).app_name for service in SERVICES] == list(SERVICES)
    assert all(isinstance(apps.app(service), Souk) for service in SERVICES)


def test_an_app_is_loaded_once() -> None:
    assert apps.load("order") is apps.load("order")


def test_no_consumer_has_two_owners() -> None:
    names = [consumer.name for owned in apps.consumers().values() for consumer in owned]
    assert len(names) == len(set(names))
