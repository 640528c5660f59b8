"""The shoppers' own journal: what was asked, under which key, what was answered and when; nothing in it is the shop's word."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

NO_ANSWER = 0
REDIRECTS, REFUSALS, FAILURES = 300, 400, 500


class Entry(Struct, frozen=True, kw_only=True):
    """One request. Requests of one `act` ask for the same effect once; `status` 0 says that no answer came."""

    number: int
    act: str
    what: str
    cart: str = ""
    asked: dict[str, Any] = {}
    key: str = ""
    seen: str = ""
    sent: float
    answered: float
    status: int = NO_ANSWER
    answer: dict[str, Any] = {}

    @property
    def acknowledged(self) -> bool:
        """Whether the shop said that it is done."""
        return NO_ANSWER < self.status < REDIRECTS

    @property
    def refused(self) -> bool:
        """Whether the shop said that it is not done."""
        return REFUSALS <= self.status < FAILURES

    @property
    def unknown(self) -> bool:
        """Whether it may have been done or not."""
        return not (self.acknowledged or self.refused)


class Act(Struct, frozen=True, kw_only=True):
    """One wish of a shopper and all the requests it took."""

    name: str
    entries: tuple[Entry, ...]

    @property
    def what(self) -> str:
        """The kind of wish."""
        return self.entries[0].what

    @property
    def cart(self) -> str:
        """The cart that it is about."""
        return self.entries[0].cart

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked for."""
        return self.entries[0].asked

    @property
    def sent(self) -> float:
        """When it was asked first: it has no effect before."""
        return min(one.sent for one in self.entries)

    @property
    def answers(self) -> list[Entry]:
        """The requests that were acknowledged, in the order of their answers."""
        return sorted((one for one in self.entries if one.acknowledged), key=lambda one: one.answered)

    @property
    def acknowledged(self) -> bool:
        """Whether the shop said that it is done, however often it was asked."""
        return any(one.acknowledged for one in self.entries)

    @property
    def unknown(self) -> bool:
        """Whether nobody knows if it was done: never acknowledged, and at least one request ended without an answer."""
        return not self.acknowledged and any(one.unknown for one in self.entries)


class Journal:
    """Written by many threads at once; in memory, and line by line in a file when there is one."""

    def __init__(self, path: Path | None = None) -> None:
        """Begin; what is in the file is replaced."""
        self._guard = threading.Lock()
        self._numbers = itertools.count(1)
        self._file = path.open("wb") if path else None
        self.entries: list[Entry] = []

    def number(self) -> int:
        """Return a number that no other entry has."""
        return next(self._numbers)

    def write(self, entry: Entry) -> None:
        """Keep an entry."""
        line = msgspec.json.encode(entry) + b"\n" if self._file else b""
        with self._guard:
            self.entries.append(entry)
            if self._file:
                self._file.write(line)

    def close(self) -> None:
        """End the file."""
        if self._file:
            self._file.close()


def acts_of(entries: Iterable[Entry]) -> Iterator[Act]:
    """Return the acts, in the order in which they were first asked for."""
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.act, []).append(entry)
    acts = (Act(name=name, entries=tuple(requests)) for name, requests in found.items())
    return iter(sorted(acts, key=lambda act: act.sent))
