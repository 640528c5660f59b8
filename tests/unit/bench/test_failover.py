"""What a table says of lost primaries."""

from collections import Counter

from bench.checkout.failover import Loss, row_of


def loss(*away: float, violations: tuple[str, ...] = ()) -> Loss:
    return Loss(away=away, answers=Counter({200: 9, 503: 1}), violations=violations)


def test_each_time_counts_with_the_cart_that_waited_longest() -> None:
    row = row_of("killed", [loss(0.1, 1.0), loss(3.0, 0.2), loss(2.0, 0.2)], 9.0)
    assert (row.figures["no change, median s"], row.figures["worst s"]) == (2.0, 3.0)
    assert (row.figures["changes"], row.figures["answered 503"]) == (30, 3)


def test_what_was_lost_at_any_time_is_told() -> None:
    assert row_of("killed", [loss(0.1), loss(0.1, violations=("a cart",))], 9.0).violations == ("a cart",)
