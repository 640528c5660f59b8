"""A lane acknowledges what is done, keeps what has to wait, and parks what the function refused too often."""

import threading
from collections.abc import Callable, Sequence

import pytest

from souk.errors import Unavailable
from souk.queues import TRIES
from souk_cli.bridge.deliveries import Delivery, Inbox
from souk_cli.bridge.lanes import Lane
from souk_cli.bridge.statistics import Statistics
from souk_cli.bridge.targets import Functions, Verdict

Give = Callable[[Sequence[Delivery]], Sequence[Verdict]]


class Channel:
    is_open = True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Target:
    """Answers what it was made to."""

    def __init__(self, give: Give) -> None:
        self._give = give

    def give(self, consumer: str, batch: Sequence[Delivery]) -> Sequence[Verdict]:
        assert consumer == "orders"
        return self._give(batch)


class Shop:
    """A lane, its inbox and what is acknowledged and parked."""

    def __init__(self, give: Give, *, parks: bool = True) -> None:
        self.clock = Clock()
        self.inbox = Inbox(self.clock)
        self.acknowledged: list[int] = []
        self.parked: list[int] = []
        self.parks = parks
        self.statistics = Statistics(["orders"])
        self.lane = Lane(
            "orders",
            inbox=self.inbox,
            target=Target(give),
            subscription=self,
            park=self._park,
            statistics=self.statistics,
        )
        self.lane.finish()  # nothing here runs in its thread, and nothing waits

    def done(self, deliveries: Sequence[Delivery]) -> None:
        self.acknowledged += [one.tag for one in deliveries]

    def _park(self, consumer: str, delivery: Delivery) -> bool:
        assert consumer == "orders"
        if self.parks:
            self.parked.append(delivery.tag)
        return self.parks

    def put(self, *tags: int) -> None:
        for tag in tags:
            self.inbox.put(Delivery(message_id=f"m{tag}", body=b"{}", channel=Channel(), tag=tag, delivered=0))

    def turn(self, seconds: float = 0.0) -> list[int]:
        self.clock.now += seconds
        batch = self.inbox.take(wait=0)
        if batch:
            self.lane.carry(batch)
        return [one.tag for one in batch]


def all_are(verdict: Verdict) -> Give:
    return lambda batch: [verdict] * len(batch)


def test_what_is_done_is_acknowledged() -> None:
    shop = Shop(all_are(Verdict.DONE))
    shop.put(1, 2)
    shop.turn()
    assert shop.acknowledged == [1, 2]
    assert shop.inbox.unacked == 0


def test_one_that_failed_does_not_repeat_its_neighbours() -> None:
    shop = Shop(lambda batch: [Verdict.LATER if one.tag == 2 else Verdict.DONE for one in batch])
    shop.put(1, 2, 3)
    shop.turn()
    assert shop.acknowledged == [1, 3]
    assert shop.turn(10.0) == [2]


def test_a_message_that_waits_for_a_store_is_never_given_up() -> None:
    shop = Shop(all_are(Verdict.LATER))
    shop.put(1)
    for _ in range(100):
        assert shop.turn(10.0) == [1]
    assert (shop.acknowledged, shop.parked) == ([], [])


def test_a_message_that_is_refused_too_often_is_parked_and_then_acknowledged() -> None:
    shop = Shop(all_are(Verdict.REFUSED))
    shop.put(1)
    tries = [shop.turn(100.0) for _ in range(TRIES + 1)]
    assert tries == [[1]] * TRIES + [[]]
    assert (shop.parked, shop.acknowledged) == ([1], [1])
    assert shop.statistics.counts()["orders"].parked == 1


def test_each_refusal_is_waited_for_longer() -> None:
    shop = Shop(all_are(Verdict.REFUSED))
    shop.put(1)
    shop.turn()
    assert (shop.turn(0.9), shop.turn(0.1)) == ([], [1])
    assert (shop.turn(1.9), shop.turn(0.1)) == ([], [1])


def test_waiting_for_a_store_does_not_count_as_a_refusal() -> None:
    verdicts = iter([Verdict.REFUSED, *[Verdict.LATER] * 20, Verdict.REFUSED, Verdict.DONE])
    shop = Shop(lambda _: [next(verdicts)])
    shop.put(1)
    while not shop.acknowledged:
        shop.turn(100.0)
    assert shop.parked == []


def test_what_cannot_be_parked_safely_is_kept() -> None:
    shop = Shop(all_are(Verdict.REFUSED), parks=False)
    shop.put(1)
    for _ in range(TRIES + 3):
        shop.turn(100.0)
    assert shop.acknowledged == []
    shop.parks = True
    shop.turn(100.0)
    assert (shop.parked, shop.acknowledged) == ([1], [1])


def test_while_the_target_is_away_everything_is_kept_and_nothing_counted_against_it() -> None:
    away = True

    def give(batch: Sequence[Delivery]) -> Sequence[Verdict]:
        if away:
            raise Unavailable("SQS is down")
        return [Verdict.DONE] * len(batch)

    shop = Shop(give)
    shop.put(1, 2)
    for _ in range(TRIES * 2):
        shop.turn()
    assert (shop.acknowledged, shop.parked, shop.inbox.unacked) == ([], [], 2)
    away = False
    shop.turn()
    assert shop.acknowledged == [1, 2]


def test_a_function_that_breaks_does_not_end_its_lane() -> None:
    def give(batch: Sequence[Delivery]) -> Sequence[Verdict]:
        raise ZeroDivisionError

    shop = Shop(give)
    shop.put(1)
    shop.turn()
    assert shop.statistics.counts()["orders"].refused == 1


def test_a_lane_goes_on_whatever_one_batch_did_to_it() -> None:
    inbox, second = Inbox(), threading.Event()

    class Broken:
        def done(self, deliveries: Sequence[Delivery]) -> None:
            if deliveries[0].tag == 1:
                raise ZeroDivisionError
            second.set()

    lane = Lane(
        "orders",
        inbox=inbox,
        target=Target(all_are(Verdict.DONE)),
        subscription=Broken(),
        park=lambda *_: True,
        statistics=Statistics(["orders"]),
        limit=1,
    )
    for tag in (1, 2):
        inbox.put(Delivery(message_id="m", body=b"{}", channel=Channel(), tag=tag, delivered=0))
    lane.start()
    assert second.wait(10)
    lane.finish()
    lane.join(10)


def test_a_message_that_breaks_a_function_takes_no_neighbour_with_it() -> None:
    functions = Functions({"orders": lambda *_: {"batchItemFailures": []}})
    shop = Shop(lambda batch: functions.give("orders", batch))
    shop.put(1, 3)
    shop.inbox.put(Delivery(message_id="m2", body=b"\xff", channel=Channel(), tag=2, delivered=0))
    for _ in range(TRIES):
        shop.turn(100.0)
    assert (sorted(shop.acknowledged), shop.parked) == ([1, 2, 3], [2])


@pytest.mark.parametrize(
    ("answer", "verdicts"),
    [
        ({"batchItemFailures": []}, [Verdict.DONE, Verdict.DONE]),
        ({"batchItemFailures": [{"itemIdentifier": "e.2"}]}, [Verdict.DONE, Verdict.LATER]),
        ({"batchItemFailures": [{"itemIdentifier": "e.1"}], "refused": ["e.1"]}, [Verdict.REFUSED, Verdict.DONE]),
    ],
)
def test_a_functions_answer_decides_about_each_message(answer: dict[str, object], verdicts: list[Verdict]) -> None:
    seen: list[dict[str, object]] = []

    def handler(event: dict[str, list[dict[str, object]]], _: object) -> dict[str, object]:
        seen.extend(event["Records"])
        return answer

    batch = [Delivery(message_id="e", body=b'{"a":1}', channel=Channel(), tag=tag, delivered=3) for tag in (1, 2)]
    assert Functions({"orders": handler}).give("orders", batch) == verdicts
    assert seen[0]["body"] == '{"a":1}'
    assert seen[0]["attributes"] == {"ApproximateReceiveCount": "4"}
    assert not str(seen[0]["eventSourceARN"]).startswith("arn:aws:sqs:")
