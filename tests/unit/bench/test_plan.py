"""Plans are repeatable: a seed that found something finds it again, in fewer steps where fewer are enough."""

from collections import Counter

from bench.checkout.plan import RULES, VISIT, Idea, plan
from hypothesis import given, settings
from hypothesis import strategies as some


@settings(deadline=None)  # how long it takes is no promise
@given(some.integers(0, 1000), some.integers(1, 400))
def test_a_seed_gives_the_same_plan_and_as_many_wishes_as_were_asked_for(seed: int, operations: int) -> None:
    visits = plan(seed, operations)
    assert visits == plan(seed, operations)
    assert operations <= sum(visit.operations for visit in visits) <= operations + 1


@settings(deadline=None)
@given(some.integers(0, 1000))
def test_a_shorter_plan_is_the_beginning_of_a_longer_one(seed: int) -> None:
    short, long = plan(seed, 2 * VISIT), plan(seed, 6 * VISIT)
    assert long[: len(short) - 1] == short[:-1]


def test_a_large_plan_has_something_of_everything() -> None:
    steps = [step for visit in plan(7, 10_000) for step in visit.steps]
    asked = Counter(step.what for step in steps)
    assert len(asked) == len(RULES)
    assert min(asked.values()) > 50
    assert sum(step.beside is not None for step in steps) > 100
    assert sum(step.at_once > 1 for step in steps) > 500
    assert sum(not step.keyed for step in steps) > 500


def test_every_visit_begins_with_an_open_cart() -> None:
    assert {visit.steps[0].what for visit in plan(3, 1000)} == {"open"}
    assert not any(
        rule.when(Idea()) for rule in RULES[1:] if rule.make.__name__ in {"_add", "_submit", "_merge", "_clear"}
    )
