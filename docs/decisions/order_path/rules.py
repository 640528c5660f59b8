"""Everything that may happen next."""

from collections.abc import Iterator
from typing import NamedTuple

from msgspec.structs import replace

from order_path import carriage, functions
from order_path.change import with_attempt
from order_path.scenes import Line, Role, Scene
from order_path.world import Attempt, Trade, World


class Next(NamedTuple):
    """What may happen; `own` for what goes on without shoppers and mishaps."""

    what: str
    own: bool
    world: World


def steps(world: World, scene: Scene) -> Iterator[Next]:
    """Return all that may happen."""
    roles = scene.roles()
    free = scene.stock - sum(attempt.units for trade in world.trades for attempt in trade.attempts)
    for number, trade in enumerate(world.trades):
        who = f"cart {number + 1}: " if scene.carts > 1 else ""
        for what, own, after in _of_cart(trade, world.history, scene, roles):
            yield Next(who + what, own, _with(world, number, after))
        for index, attempt in enumerate(trade.attempts, 1):
            for what, own, changed in _events(attempt, free, scene):
                yield Next(who + what, own, _with(world, number, with_attempt(trade, index, changed)))
            for what, own, changed in carriage.parked(attempt) if world.parked < scene.parked else ():
                parked = _with(world, number, with_attempt(trade, index, changed))
                yield Next(who + what, own, replace(parked, parked=world.parked + 1))
    if world.history <= scene.failovers:
        yield from _failovers(world, scene)


def _of_cart(trade: Trade, history: int, scene: Scene, roles: tuple[Role, ...]) -> Iterator[functions.Step]:
    yield from functions.steps(trade, history, scene, roles)
    if scene.persisted:
        for what, after in carriage.persisted(trade, history, scene):
            yield functions.Step(what, True, after)
    if scene.failovers and trade.replica != trade.primary:
        yield functions.Step("the replica catches up", True, replace(trade, replica=trade.primary))


def _with(world: World, number: int, trade: Trade) -> World:
    return replace(world, trades=(*world.trades[:number], trade, *world.trades[number + 1 :]))


def _events(attempt: Attempt, free: int, scene: Scene) -> Iterator[carriage.Event]:
    yield from carriage.sent(attempt, scene)
    yield from carriage.dropped(attempt, scene)
    yield from carriage.decided(attempt, free, scene)
    if scene.asked_again and scene.has(Line.ASKED):
        yield from carriage.asked_again(attempt)
    if scene.money:
        yield from carriage.money(attempt, free)


def _failovers(world: World, scene: Scene) -> Iterator[Next]:
    """Return the replica made primary: with what it has; the former primary ends, or goes on answering for a while."""
    gone = tuple(replace(trade, primary=trade.replica, old=None) for trade in world.trades)
    yield Next("the primary is killed, its replica takes over", False, World(gone, world.history + 1, world.parked))
    if scene.survives:
        cut = tuple(replace(trade, primary=trade.replica, old=trade.primary) for trade in world.trades)
        yield Next("the primary is cut off, its replica takes over", False, World(cut, world.history + 1, world.parked))
