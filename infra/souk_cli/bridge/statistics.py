"""What the bridge has done: counts per consumer, and how long events took from their commit to their effect."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from souk.clock import utcnow

KEPT = 1_000
SHOWN = 200  # of them one by one
BOUNDS = (5, 10, 20, 50, 100, 200, 500, 1_000, 5_000, 60_000)  # milliseconds


class Counts(Struct, kw_only=True):
    """What became of one consumer's messages; `unacked` and `waiting` are as of now, the others since the start."""

    forwarded: int = 0
    later: int = 0
    refused: int = 0
    parked: int = 0
    unacked: int = 0
    waiting: int = 0


class Report(Struct, kw_only=True):
    """What a worker tells its parent: its counts, and what has happened since its last report."""

    counts: dict[str, Counts]
    milliseconds: list[float]


class Percentiles(Struct, frozen=True, kw_only=True):
    """Of the last thousand events: from `occurred_at` to the effect (or to the queue, where that is the target)."""

    count: int
    p50_ms: float
    p95_ms: float
    histogram: dict[str, int]
    recent: list[float]
    """The newest of them one by one, in milliseconds, the newest last."""


class _Dated(Struct, frozen=True):
    occurred_at: Annotated[datetime, Meta(tz=True)]


class Statistics:
    """Counts and times of one process; safe among threads."""

    def __init__(self, consumers: Iterable[str]) -> None:
        """Begin with nothing."""
        self._guard = threading.Lock()
        self._counts = {consumer: Counts() for consumer in consumers}
        self._recent: deque[float] = deque(maxlen=KEPT)
        self._news: deque[float] = deque(maxlen=KEPT)
        self.changed = threading.Event()

    def count(self, consumer: str, **more: int) -> None:
        """Add to a consumer's counts."""
        with self._guard:
            counts = self._counts[consumer]
            for name, number in more.items():
                setattr(counts, name, getattr(counts, name) + number)
        self.changed.set()

    def held(self, consumer: str, *, unacked: int, waiting: int) -> None:
        """Say how many messages a consumer holds now."""
        with self._guard:
            self._counts[consumer].unacked, self._counts[consumer].waiting = unacked, waiting

    def took_effect(self, bodies: Iterable[bytes]) -> None:
        """Note how long events took until now."""
        now = utcnow()
        with self._guard:
            for body in bodies:
                if (began := _began(body)) is not None:
                    spent = (now - began).total_seconds() * 1_000
                    self._recent.append(spent)
                    self._news.append(spent)

    def report(self) -> Report:
        """Return the counts and what is new since the last report."""
        with self._guard:
            self.changed.clear()
            news = list(self._news)
            self._news.clear()
            return Report(
                counts={name: msgspec.structs.replace(one) for name, one in self._counts.items()}, milliseconds=news
            )

    def learn(self, milliseconds: Sequence[float]) -> None:
        """Add times that another process measured."""
        with self._guard:
            self._recent.extend(milliseconds)

    def counts(self) -> Mapping[str, Counts]:
        """Return the counts as they are now."""
        with self._guard:
            return {name: msgspec.structs.replace(one) for name, one in self._counts.items()}

    def latency(self) -> Percentiles:
        """Return how long the last events took."""
        with self._guard:
            return percentiles(self._recent)


def percentiles(milliseconds: Iterable[float]) -> Percentiles:
    """Summarise times."""
    given = list(milliseconds)
    known = sorted(given)
    if not known:
        return Percentiles(count=0, p50_ms=0.0, p95_ms=0.0, histogram={}, recent=[])
    bounds = {f"<={bound}": sum(one <= bound for one in known) for bound in BOUNDS}
    return Percentiles(
        count=len(known),
        p50_ms=_at(known, 0.5),
        p95_ms=_at(known, 0.95),
        histogram=bounds,
        recent=[round(one, 1) for one in given[-SHOWN:]],
    )


def _at(known: Sequence[float], share: float) -> float:
    return round(known[min(len(known) - 1, int(len(known) * share))], 1)


def total(parts: Iterable[Mapping[str, Counts]]) -> dict[str, Counts]:
    """Add up the counts of several processes."""
    found: dict[str, Counts] = {}
    for part in parts:
        for consumer, counts in part.items():
            sum_ = found.setdefault(consumer, Counts())
            for name in Counts.__struct_fields__:
                setattr(sum_, name, getattr(sum_, name) + getattr(counts, name))
    return found


def _began(body: bytes) -> datetime | None:
    try:
        return msgspec.json.decode(body, type=_Dated).occurred_at
    except msgspec.MsgspecError:
        return None
