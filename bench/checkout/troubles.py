"""What may happen to a shop at any moment: everything that runs is killed or stands still, Redis fails over or is parted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

import psutil
from msgspec import Struct

from bench.checkout import mixing, rig
from bench.checkout.rig import Rig
from souk_local import processes
from souk_local.redis import NODES, PRIMARY_NAME, SENTINELS

PAUSE = 20.0  # seconds that something stands still
AWAY = (0.0, 6.0)  # seconds, at least and at most, until something that was killed is started again
OVER = 60.0  # seconds that a failover may take
ON_SERVE, ON_LOCALSTACK = frozenset({"serve"}), frozenset({"local"})
EVERYWHERE = ON_SERVE | ON_LOCALSTACK
OTHER = "another password than anybody knows"  # of a primary that nobody new can speak to


class Trouble(Struct, frozen=True):
    """One kind of trouble: what is done, and undone before it returns; and within how long all is settled afterwards."""

    strike: Callable[[Rig, Random], None]
    settles_within: float
    where: frozenset[str] = EVERYWHERE
    """The deployments that it can happen to."""


def _away(dice: Random) -> None:
    time.sleep(dice.uniform(*AWAY))


def kill_part(part: str, process: str, there: Rig, dice: Random) -> None:
    """Kill a store and start it again."""
    rig.kill(there.family(process))
    _away(dice)
    there.start(part)


def kill_postgres(there: Rig, dice: Random) -> None:
    """Kill PostgreSQL's first process; the others notice and end."""
    rig.kill([there.main("postgres")])
    _away(dice)
    there.start("postgres")


def kill_primary(there: Rig, dice: Random) -> None:
    """Kill the primary of Redis; it comes back as a replica of its heir."""
    lost = there.redis_primary()
    rig.kill([there.main(lost)])
    rig.until(lambda: there.redis_primary() != lost, "an heir", within=OVER)
    _away(dice)
    there.start("redis")


def restart_primary(there: Rig, _: Random) -> None:
    """Kill the primary and start it at once, sooner than anybody notices."""
    name = there.redis_primary()
    rig.kill([there.main(name)])
    [program] = [one for one in _redis_programs(there) if one.name == name]
    rig.until(lambda: processes.record_of(there.stack.layout, name) is None, "its end")
    processes.launch(program, there.stack.layout)
    rig.until(there.redis_well, "Redis to be well", within=OVER)


def _redis_programs(there: Rig) -> Sequence[processes.Program]:
    from souk_local import redis

    return redis.programs(there.stack.site)


def lose_replica(there: Rig, dice: Random) -> None:
    """Kill a replica: nothing is confirmed by all any more."""
    primary = there.redis_primary()
    rig.kill([there.main(dice.choice([one for one in NODES if one != primary]))])
    _away(dice)
    there.start("redis")
    rig.until(there.redis_well, "Redis to be well", within=OVER)


def fail_over(there: Rig, _: Random) -> None:
    """Let the sentinels make another node primary, as planned."""
    before = there.redis_primary()
    with _sentinel(there) as sentinel:
        rig.until(lambda: _accepted(sentinel), "a failover to begin", within=OVER)
    rig.until(lambda: there.redis_primary() != before, "an heir", within=OVER)
    rig.until(there.redis_well, "Redis to be well", within=OVER)


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
            rig.until(lambda: _parted(client, there, lost), "an heir", within=OVER)
            _away(dice)
        finally:
            client.config_set("requirepass", there.stack.site.credentials.password("redis"))
    rig.until(there.redis_well, "Redis to be well", within=OVER)


def _parted(client: Any, there: Rig, lost: str) -> bool:
    """Cut the links to replicas and sentinels, and tell whether there is an heir."""
    for one in client.client_list():
        if one.get("flags", "").startswith("S") or one.get("name", "").startswith("sentinel-"):
            with suppress(Exception):  # it may be gone by now
                client.client_kill_filter(_id=one["id"])
    return there.redis_primary() != lost


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
    rig.until(lambda: there.redis_primary() != lost, "an heir", within=OVER)
    there.start("redis")
    rig.until(there.redis_well, "Redis to be well", within=OVER)


def _told(there: Rig, node: str, name: str, value: str) -> None:
    with there.redis(node) as client:
        client.config_set(name, value)


def kill_of_shop(part: str, there: Rig, dice: Random) -> None:
    """Kill one of the processes of the shop's own, and see that another one is in its place."""
    before = there.programs(part)
    rig.kill([dice.choice(before)])
    there.bring_back(part, before)


def pause(whom: Callable[[Rig], list[psutil.Process]], there: Rig, _: Random) -> None:
    """Let something stand still for a while: it answers nobody, and its connections stay."""
    halted = whom(there)
    rig.halt(halted)
    try:
        time.sleep(PAUSE)
    finally:
        rig.halt(halted, go_on=True)


def mix(there: Rig, dice: Random) -> None:
    """Hold back messages of all queues, and bring them later, in another order, some of them twice."""
    del there
    mixing.mix(dice)


TROUBLES: Mapping[str, Trouble] = {
    "kill worker": Trouble(partial(kill_of_shop, rig.WORKER), 60),
    "kill web": Trouble(partial(kill_of_shop, rig.WEB), 60, ON_SERVE),
    "kill bridge": Trouble(partial(kill_of_shop, rig.BRIDGE), 60),
    "kill localstack": Trouble(partial(kill_of_shop, rig.LOCALSTACK), 120, ON_LOCALSTACK),
    "kill rabbitmq": Trouble(partial(kill_part, "rabbitmq", "rabbitmq"), 90),
    "kill postgres": Trouble(kill_postgres, 90),
    "kill mongo": Trouble(partial(kill_part, "mongo", "mongo"), 120),
    "kill redis primary": Trouble(kill_primary, 60),
    "restart redis primary": Trouble(restart_primary, 60),
    "lose redis replica": Trouble(lose_replica, 60),
    "redis failover": Trouble(fail_over, 60),
    "redis parted": Trouble(part_primary, 60),
    "redis parted, killed": Trouble(part_and_kill, 60),
    "pause worker": Trouble(partial(pause, lambda there: there.programs(rig.WORKER)), 60),
    "pause bridge": Trouble(partial(pause, lambda there: there.programs(rig.BRIDGE)), 60),
    "pause localstack": Trouble(partial(pause, lambda there: there.family(rig.LOCALSTACK)), 90, ON_LOCALSTACK),
    "pause rabbitmq": Trouble(partial(pause, lambda there: there.family("rabbitmq")), 90),
    "pause postgres": Trouble(partial(pause, lambda there: there.family("postgres")), 90),
    "pause mongo": Trouble(partial(pause, lambda there: there.family("mongo")), 120),
    "pause redis primary": Trouble(partial(pause, lambda there: [there.main(there.redis_primary())]), 60),
    "messages mixed": Trouble(mix, 60),
}

SMALL = tuple(kind for kind in TROUBLES if kind.startswith("kill "))
"""What a small run has."""


def possible(where: str) -> list[str]:
    """Return the kinds of trouble that a deployment can have."""
    return sorted(kind for kind, trouble in TROUBLES.items() if where in trouble.where)
