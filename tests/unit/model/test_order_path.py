"""The path of an order keeps its promises in every state that it can reach, and needs each line of its protocol."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from order_path.explore import Explorer
from order_path.played import EVERYTHING, QUICK, without
from order_path.promises import broken
from order_path.rules import steps
from order_path.scenes import Line, Scene


@pytest.mark.parametrize("scene", QUICK, ids=lambda scene: scene.name)
def test_the_whole_protocol_holds(scene: Scene) -> None:
    found = Explorer(scene).run()
    assert (found.broken, found.trace) == (None, ())


@pytest.mark.parametrize("line", Line)
def test_the_protocol_breaks_without(line: Line) -> None:
    assert Explorer(without(line)).run().broken is not None


class Everything(RuleBasedStateMachine):
    """Two carts, and all that may happen to them at once, which is too much to visit every state of."""

    def __init__(self) -> None:
        super().__init__()
        self.world = EVERYTHING.beginning()

    @rule(choice=st.integers(0, 10_000))
    def happen(self, choice: int) -> None:
        ways = list(steps(self.world, EVERYTHING))
        if ways:  # else all is done: nothing moves any more
            self.world = ways[choice % len(ways)].world

    @invariant()
    def no_promise_is_broken(self) -> None:
        assert broken(self.world, EVERYTHING) is None


Everything.TestCase.settings = settings(max_examples=50, stateful_step_count=200, deadline=None)
TestEverything = Everything.TestCase
