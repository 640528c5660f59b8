"""Loading in batches: again where a store is busy, and never far ahead of the events that tell of it."""

from collections.abc import Sequence

from souk.errors import Unavailable
from souk_cli.seed import run  # noqa: F401 - puts the services on the path
from souk_cli.seed.load import AHEAD, _in_batches


class Heard:
    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []
        self.waits: list[tuple[str, float]] = []

    def __call__(self, what: str, done: int, total: int) -> None:
        self.told.append((what, done, total))

    def waiting(self, why: str, seconds: float) -> None:
        self.waits.append((why, seconds))

    def missing(self, what: str) -> None:
        raise AssertionError(what)


def test_a_load_waits_for_its_events_again_and_again() -> None:
    heard, settled = Heard(), list[int]()
    rows = range(2 * AHEAD + 1)
    new = _in_batches(
        "products", rows, len(rows), len, heard, size=100, settle=lambda: settled.append(heard.told[-1][1])
    )
    assert (new, settled) == (len(rows), [AHEAD, 2 * AHEAD])


def test_a_load_of_what_is_there_waits_for_nothing() -> None:
    rows, settled = range(2 * AHEAD), list[int]()
    assert (
        _in_batches("products", rows, len(rows), lambda _: 0, Heard(), size=100, settle=lambda: settled.append(1)) == 0
    )
    assert settled == []


def test_a_batch_that_a_busy_store_did_not_take_is_taken_again() -> None:
    heard, tried = Heard(), list[int]()

    def take(batch: Sequence[int]) -> int:
        tried.append(len(batch))
        if len(tried) == 1:
            raise Unavailable("busy", retry_after=0)
        return len(batch)

    assert _in_batches("stock", range(3), 3, take, heard) == 3
    assert (tried, heard.waits) == ([3, 3], [("busy", 0)])
