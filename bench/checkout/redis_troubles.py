"""What may happen to Redis: its primary is killed, handed over, parted from the others, or a replica is lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from typing import Any

from bench.checkout import rig
from bench.checkout.cable import Cable
from bench.checkout.rig import Rig, away
from souk_local import processes
from souk_local.layout import LOOPBACK
from souk_local.patience import until
from souk_local.redis import NODES, PRIMARY_NAME, SENTINELS

OVER = 60.0  # seconds that a failover may take
OTHER = "another password than anybody knows"  # of a primary that nobody new can speak to


def kill_primary(there: Rig, dice: Random) -> None:
    """Kill the primary of Redis; it comes back as a replica of its heir."""
    lost = there.redis_primary()
    rig.kill([there.main(lost)])
    until(lambda: there.redis_primary() != lost, "an heir", within=OVER)
    away(dice)
    there.start("redis")


def restart_primary(there: Rig, _: Random) -> None:
    """Kill the primary and start it at once, sooner than anybody notices."""
    name = there.redis_primary()
    rig.kill([there.main(name)])
    [program] = [one for one in _redis_programs(there) if one.name == name]
    until(lambda: processes.record_of(there.stack.layout, name) is None, "its end")
    processes.launch(program, there.stack.layout)
    until(there.redis_well, "Redis to be well", within=OVER)


def _redis_programs(there: Rig) -> Sequence[processes.Program]:
    from souk_local import redis

    return redis.programs(there.stack.site)


def lose_replica(there: Rig, dice: Random) -> None:
    """Kill a replica: nothing is confirmed by all any more."""
    primary = there.redis_primary()
    rig.kill([there.main(dice.choice([one for one in NODES if one != primary]))])
    away(dice)
    there.start("redis")
    until(there.redis_well, "Redis to be well", within=OVER)


def fail_over(there: Rig, _: Random) -> None:
    """Let the sentinels make another node primary, as planned."""
    before = there.redis_primary()
    with _sentinel(there) as sentinel:
        until(lambda: _accepted(sentinel), "a failover to begin", within=OVER)
    until(lambda: there.redis_primary() != before, "an heir", within=OVER)
    until(there.redis_well, "Redis to be well", within=OVER)


def _sentinel(there: Rig) -> Any:
    import redis

    return redis.Redis(port=there.stack.site.port(SENTINELS[0]), decode_responses=True, socket_timeout=5)


def _accepted(sentinel: Any) -> bool:
    import redis

    try:
        sentinel.execute_command("SENTINEL", "FAILOVER", PRIMARY_NAME)
    except redis.RedisError:
        return False
    return True


def part_primary(there: Rig, dice: Random) -> None:
    """Part the primary from its replicas and the sentinels, but not from those it serves; two primaries for a while.

    Nobody can sign in to it anew, and its links to the others are cut; connections of the shop's own go on.
    """
    lost = there.redis_primary()
    with there.redis(lost) as client:
        client.config_set("requirepass", OTHER)
        try:
            until(lambda: _parted(client, there, lost), "an heir", within=OVER)
            away(dice)
        finally:
            client.config_set("requirepass", there.stack.site.credentials.password("redis"))
    until(there.redis_well, "Redis to be well", within=OVER)


def _parted(client: Any, there: Rig, lost: str) -> bool:
    """Cut the links to replicas and sentinels, and tell whether there is an heir."""
    client.client_kill_filter(_type="replica")
    return _unwatched(client, there, lost)


def _unwatched(client: Any, there: Rig, lost: str) -> bool:
    """Cut the links to sentinels, and tell whether there is an heir."""
    for one in client.client_list():
        if one.get("name", "").startswith("sentinel-"):
            with suppress(Exception):  # it may be gone by now
                client.client_kill_filter(_id=one["id"])
    return there.redis_primary() != lost


def silence_primary(there: Rig, dice: Random) -> None:
    """Part the primary as a network does that carries nothing any more: its links to replicas stand, and are silent.

    They follow it through a proxy. Sentinels are kept out as in `part_primary`; the shop's own connections go on.
    """
    lost = there.redis_primary()
    with Cable(there.stack.site.port(lost)) as cable, there.redis(lost) as client:
        for one in NODES:
            if one != lost:
                _follow(there, one, cable.port)
        client.config_set("requirepass", OTHER)
        cable.cut()
        try:
            until(lambda: _unwatched(client, there, lost), "an heir", within=OVER)
            away(dice)
        finally:
            client.config_set("requirepass", there.stack.site.credentials.password("redis"))
            cable.mend()
        until(there.redis_well, "Redis to be well", within=OVER)


def _follow(there: Rig, node: str, port: int) -> None:
    """Let a node follow whoever is behind a port, and wait until it has all that there is."""
    with there.redis(node) as client:
        client.replicaof(LOOPBACK, port)
        until(lambda: client.info("replication")["master_link_status"] == "up", f"{node} to follow", within=OVER)


def part_and_kill(there: Rig, dice: Random) -> None:
    """Part the primary from its replicas, then kill it: its heir has not heard of what was changed meanwhile."""
    lost = there.redis_primary()
    password = there.stack.site.credentials.password("redis")
    replicas = [one for one in NODES if one != lost]
    for one in replicas:
        _told(there, one, "masterauth", OTHER)
    with there.redis(lost) as client:
        client.client_kill_filter(_type="replica")
    time.sleep(dice.uniform(1, 4))
    rig.kill([there.main(lost)])
    for one in replicas:
        _told(there, one, "masterauth", password)
    until(lambda: there.redis_primary() != lost, "an heir", within=OVER)
    there.start("redis")
    until(there.redis_well, "Redis to be well", within=OVER)


def _told(there: Rig, node: str, name: str, value: str) -> None:
    with there.redis(node) as client:
        client.config_set(name, value)
