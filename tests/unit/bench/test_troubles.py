"""Which trouble each deployment has."""

from bench.checkout import rig
from bench.checkout.troubles import SMALL, TROUBLES, possible

KILLED = ("worker", "bridge", "rabbitmq", "redis primary", "postgres", "mongo")


def test_every_trouble_can_happen_somewhere() -> None:
    assert {kind for where in rig.HOMES for kind in possible(where)} == set(TROUBLES)


def test_a_small_run_kills_each_part_of_a_deployment() -> None:
    assert {f"kill {part}" for part in (*KILLED, "localstack")} == set(SMALL) & set(possible("local"))
    assert {f"kill {part}" for part in (*KILLED, "web")} == set(SMALL) & set(possible("serve"))
