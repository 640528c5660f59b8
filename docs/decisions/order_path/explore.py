"""Explores every reachable state, breadth first, so that what breaks a promise is found by the shortest way."""

import time
from array import array
from hashlib import blake2b

from msgspec import Struct

from order_path.promises import broken, settled
from order_path.rules import steps
from order_path.scenes import Scene
from order_path.world import World, encoded

STUCK = "nothing settles any more"


class Found(Struct, frozen=True, kw_only=True):
    """What an exploration came to; `trace` is the shortest way to what is broken."""

    scene: Scene
    states: int
    transitions: int
    depth: int
    seconds: float
    broken: str | None = None
    trace: tuple[str, ...] = ()
    complete: bool = True


class Explorer:
    """Has seen each state once; remembers of it no more than a digest, and from where it was reached first."""

    def __init__(self, scene: Scene) -> None:
        """Begin where the scene begins."""
        self.scene = scene
        self._seen: dict[bytes, int] = {}
        self._parents = array("I")
        self._from, self._to = array("I"), array("I")  # steps that go on by themselves
        self._settled = array("I")
        self.transitions = 0

    def run(self, most: int | None = None) -> Found:
        """Visit every state, or as many as `most`; stop at the first one that breaks a promise."""
        began, depth = time.monotonic(), 0
        level = [self.scene.beginning()]
        self._new(encoded(level[0]), 0)
        while level:
            following: list[World] = []
            for world in level:
                if (said := broken(world, self.scene)) is not None:
                    return self._found(began, depth, said, world)
                following += self._visited(world)
            if most is not None and len(self._seen) > most:
                return self._found(began, depth, None, None, complete=False)
            level, depth = following, depth + bool(following)
        stuck = self._stuck()
        return self._found(began, depth, STUCK if stuck is not None else None, None, stuck=stuck)

    def _visited(self, world: World) -> list[World]:
        fresh = []
        here = self._seen[_digest(encoded(world))]
        if settled(world, self.scene):
            self._settled.append(here)
        for _, own, after in steps(world, self.scene):
            self.transitions += 1
            digest = _digest(encoded(after))
            there = self._seen.get(digest)
            if there is None:
                there = self._new_at(digest, here)
                fresh.append(after)
            if own and there != here:
                self._from.append(here)
                self._to.append(there)
        return fresh

    def _new(self, state: bytes, parent: int) -> int:
        return self._new_at(_digest(state), parent)

    def _new_at(self, digest: bytes, parent: int) -> int:
        number = self._seen[digest] = len(self._parents)
        self._parents.append(parent)
        return number

    def _stuck(self) -> int | None:
        """Return the first state from which nothing settles by itself, if there is one."""
        heads, links = array("l", [-1]) * len(self._parents), array("l")
        for source, target in zip(self._from, self._to, strict=True):
            links.extend((source, heads[target]))
            heads[target] = len(links) - 2
        reached, waiting = bytearray(len(self._parents)), list(self._settled)
        for number in waiting:
            reached[number] = 1
        while waiting:
            link = heads[waiting.pop()]
            while link != -1:
                source, link = links[link], links[link + 1]
                if not reached[source]:
                    reached[source] = 1
                    waiting.append(source)
        first = reached.find(0)
        return None if first == -1 else first

    def _found(
        self,
        began: float,
        depth: int,
        said: str | None,
        world: World | None,
        *,
        stuck: int | None = None,
        complete: bool = True,
    ) -> Found:
        number = stuck if world is None else self._seen[_digest(encoded(world))]
        return Found(
            scene=self.scene,
            states=len(self._seen),
            transitions=self.transitions,
            depth=depth,
            seconds=time.monotonic() - began,
            broken=said,
            trace=() if number is None else self._trace(number),
            complete=complete,
        )

    def _trace(self, number: int) -> tuple[str, ...]:
        """Play the way to a state again."""
        way = [number]
        while way[-1]:
            way.append(self._parents[way[-1]])
        world, told = self.scene.beginning(), []
        for following in reversed(way[:-1]):
            for what, _, after in steps(world, self.scene):
                if self._seen.get(_digest(encoded(after))) == following:
                    told.append(what)
                    world = after
                    break
        return tuple(told)


def _digest(state: bytes) -> bytes:
    return blake2b(state, digest_size=12).digest()
