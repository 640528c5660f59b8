"""What may happen to a shop at any moment: everything that runs is killed or stands still, Redis fails over or is parted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from random import Random

import psutil
from msgspec import Struct

from bench.checkout import mixing, redis_troubles, rig
from bench.checkout.rig import Rig, away
from souk.stages import LOCAL, SERVE

PAUSE = 20.0  # seconds that something stands still
ORPHANED = 90.0  # seconds: MongoDB ends a transaction whose client was killed after a minute; until then others wait
AGAIN = 300.0  # seconds: a LocalStack that was lost is sent all events again that the shop had since that one began
ON_SERVE, ON_LOCALSTACK = frozenset({SERVE}), frozenset({LOCAL})
EVERYWHERE = ON_SERVE | ON_LOCALSTACK


class Trouble(Struct, frozen=True):
    """One kind of trouble: what is done, and undone before it returns; and within how long all is settled afterwards."""

    strike: Callable[[Rig, Random], None]
    settles_within: float
    where: frozenset[str] = EVERYWHERE
    """The deployments that it can happen to."""


def kill_part(part: str, process: str, there: Rig, dice: Random) -> None:
    """Kill a store and start it again."""
    rig.kill(there.family(process))
    away(dice)
    there.start(part)


def kill_postgres(there: Rig, dice: Random) -> None:
    """Kill PostgreSQL's first process; the others notice and end."""
    rig.kill([there.main("postgres")])
    away(dice)
    there.start("postgres")


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
    "kill worker": Trouble(partial(kill_of_shop, rig.WORKER), ORPHANED),
    "kill web": Trouble(partial(kill_of_shop, rig.WEB), ORPHANED, ON_SERVE),
    "kill bridge": Trouble(partial(kill_of_shop, rig.BRIDGE), ORPHANED),
    "kill localstack": Trouble(partial(kill_of_shop, rig.LOCALSTACK), AGAIN, ON_LOCALSTACK),
    "kill rabbitmq": Trouble(partial(kill_part, "rabbitmq", "rabbitmq"), 90),
    "kill postgres": Trouble(kill_postgres, 90),
    "kill mongo": Trouble(partial(kill_part, "mongo", "mongo"), 120),
    "kill redis primary": Trouble(redis_troubles.kill_primary, 60),
    "restart redis primary": Trouble(redis_troubles.restart_primary, 60),
    "lose redis replica": Trouble(redis_troubles.lose_replica, 60),
    "redis failover": Trouble(redis_troubles.fail_over, 60),
    "redis parted": Trouble(redis_troubles.part_primary, 60),
    "redis parted in silence": Trouble(redis_troubles.silence_primary, 60),
    "redis parted, killed": Trouble(redis_troubles.part_and_kill, 60),
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
