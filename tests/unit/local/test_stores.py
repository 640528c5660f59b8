import msgspec
import pytest

from souk_local import mongo, postgres, rabbit, redis, settings, store
from souk_local.credentials import ROLES
from souk_local.errors import StackError
from souk_local.layout import OFFSETS
from souk_local.services import SQL_SERVICES
from souk_local.site import Site


@pytest.mark.parametrize("name", store.MODULES)
def test_every_part_says_what_it_listens_on(name: str) -> None:
    assert set(store.named(name).PORTS) <= set(OFFSETS)


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(StackError, match="postgres"):
        store.named("oracle")


def test_each_service_has_an_address_for_each_role(site: Site) -> None:
    found = settings.databases(site)
    assert len(found) == len(SQL_SERVICES) * len(ROLES)
    assert found["ORDER_RELAY_DATABASE_URL"].startswith("postgresql://order_relay:")
    assert found["ORDER_RELAY_DATABASE_URL"].endswith("@127.0.0.1:20003/souk_order")


def test_nothing_for_a_shell_is_secret(site: Site) -> None:
    shown = " ".join(settings.environment(site).values())
    assert not [word for word in site.credentials.passwords.values() if word in shown]


def test_only_loopback_is_listened_on(site: Site) -> None:
    nodes = [redis.configured(site, name, site.layout.data("redis"), 20_008) for name in redis.PORTS]
    assert all("bind 127.0.0.1\n" in text for text in nodes)
    assert "listen_addresses=127.0.0.1" in postgres.programs(site)[0].argv
    assert rabbit.environment(site)["RABBITMQ_NODE_IP_ADDRESS"] == "127.0.0.1"
    assert "127.0.0.1" in mongo.program(site).argv


def test_the_first_node_is_primary_and_the_others_follow_it(site: Site) -> None:
    texts = {name: redis.configured(site, name, site.layout.data("redis"), 20_008) for name in redis.NODES}
    following = [name for name, text in texts.items() if "replicaof 127.0.0.1 20008" in text]
    assert following == ["redis-2", "redis-3"]


def write_failover(site: Site, epochs: dict[str, tuple[int, str]]) -> None:
    for name, (epoch, node) in epochs.items():
        redis.config(site, name).parent.mkdir(parents=True)
        note = f"sentinel monitor souk 127.0.0.1 {site.port(node)} 2\nsentinel config-epoch souk {epoch}\n"
        redis.config(site, name).write_text(note)
    for name in redis.NODES:
        redis.config(site, name).parent.mkdir(parents=True)
        redis.config(site, name).write_text(f"port {site.port(name)}\n")


def test_the_primary_of_the_newest_failover_is_remembered(site: Site) -> None:
    write_failover(site, {"sentinel-1": (0, "redis-1"), "sentinel-2": (3, "redis-3"), "sentinel-3": (2, "redis-2")})
    assert redis.remembered(site) == "redis-3"


def test_the_primary_is_remembered_on_other_ports(site: Site) -> None:
    write_failover(site, {"sentinel-1": (1, "redis-2")})
    moved = msgspec.structs.replace(site, layout=msgspec.structs.replace(site.layout, base=30_000))
    assert redis.remembered(moved) == "redis-2"


def test_a_node_that_was_replaced_starts_as_a_replica(site: Site) -> None:
    demoted, primary = redis.node(site, "redis-1", 20_010), redis.node(site, "redis-3", 20_010)
    assert demoted.argv[-3:] == ("--replicaof", "127.0.0.1", "20010")
    assert primary.argv[-3:] == ("--replicaof", "no", "one")


def test_no_secret_stands_on_a_command_line(site: Site) -> None:
    made = [postgres.programs(site), rabbit.programs(site), mongo.programs(site), [redis.node(site, "redis-1", 20_008)]]
    words = " ".join(word for programs in made for program in programs for word in program.argv)
    assert not [secret for secret in site.credentials.passwords.values() if secret in words]
