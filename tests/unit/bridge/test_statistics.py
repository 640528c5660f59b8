"""The bridge counts what it does, over all its processes, and how long events take."""

from datetime import timedelta

import msgspec

from souk.clock import utcnow
from souk_cli.bridge.statistics import Counts, Report, Statistics, percentiles, total
from souk_cli.bridge.workers import Workers


def test_half_of_the_events_took_no_longer_than_the_median() -> None:
    found = percentiles(float(number) for number in range(1, 101))
    assert (found.count, found.p50_ms, found.p95_ms) == (100, 51.0, 96.0)
    assert found.histogram["<=50"] == 50


def test_no_events_have_no_percentiles() -> None:
    assert percentiles([]).count == 0


def test_the_time_from_an_event_to_its_effect_is_measured() -> None:
    statistics = Statistics(["orders"])
    began = utcnow() - timedelta(seconds=2)
    of_nowhere = msgspec.json.encode({"occurred_at": began.replace(tzinfo=None)})
    statistics.took_effect([msgspec.json.encode({"occurred_at": began}), b"no event", of_nowhere])
    found = statistics.latency()
    assert found.count == 1
    assert 2_000 <= found.p50_ms < 10_000


def test_a_report_tells_each_time_once() -> None:
    statistics = Statistics(["orders"])
    statistics.took_effect([msgspec.json.encode({"occurred_at": utcnow()})])
    assert len(statistics.report().milliseconds) == 1
    assert statistics.report().milliseconds == []


def test_a_report_survives_its_way_to_the_parent() -> None:
    statistics = Statistics(["orders"])
    statistics.count("orders", forwarded=3)
    assert msgspec.json.decode(msgspec.json.encode(statistics.report()), type=Report).counts["orders"].forwarded == 3


def test_what_several_workers_did_is_added_up() -> None:
    found = total([{"a": Counts(forwarded=1, refused=2)}, {"a": Counts(forwarded=10), "b": Counts(parked=1)}])
    assert (found["a"].forwarded, found["a"].refused, found["b"].parked) == (11, 2, 1)


def test_a_report_that_a_killed_worker_broke_off_ends_nothing() -> None:
    statistics = Statistics(["orders"])
    statistics.count("orders", forwarded=3)
    said = msgspec.json.encode(statistics.report())
    workers = Workers(1, Statistics(["orders"]))
    for line in (said, said[:20]):
        workers._heard(0, line)
    assert workers.counts()["orders"].forwarded == 3
