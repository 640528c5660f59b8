"""Asks the shop over HTTP and writes every request down; what got no answer is asked again under the same key."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct

from bench.checkout.journal import NO_ANSWER, Entry, Journal
from bench.wire import Client, NoAnswer
from souk_cli.bridge.patience import Patience
from souk_local.patience import keep_looking

TIMEOUT = 40.0  # seconds; far longer than a function may take
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0  # seconds between two tries


class Wish(Struct, frozen=True, kw_only=True):
    """A request as a shopper means it; sent again, it is the same wish."""

    what: str
    method: str
    path: str
    body: dict[str, Any] | None = None
    token: Callable[[], str] = str
    cart: str = ""
    key: str = ""
    seen: str = ""
    repeatable: bool = False
    told: dict[str, Any] = {}
    """What the journal is told beside the body."""

    @property
    def safe(self) -> bool:
        """Whether it can be sent again when it is unknown what became of it."""
        return bool(self.key) or self.repeatable


class Asking:
    """One shop, asked by many threads, each over a connection of its own."""

    def __init__(self, base: str, journal: Journal, *, patience: float) -> None:
        """Ask the shop at `base`; unknown outcomes are asked about again for so many seconds."""
        self.base, self.journal, self.patience = base, journal, patience
        self._threads = threading.local()
        self._clients: list[Client] = []

    def close(self) -> None:
        """Hang up; nobody asks any more."""
        for client in self._clients:
            client.close()

    def act(self, wish: Wish, act: str = "") -> Entry:
        """Ask until there is an answer, or patience ends; return the last request."""
        act = act or str(uuid4())
        return keep_looking(
            lambda: self._once(wish, act),
            within=self.patience,
            pause=Patience(first=FIRST_PAUSE, longest=LONGEST_PAUSE).next,
            enough=lambda entry: not (entry.unknown and wish.safe),
        )

    def _once(self, wish: Wish, act: str) -> Entry:
        sent = time.time()
        status, answer = self._send(wish)
        entry = Entry(
            number=self.journal.number(),
            act=act,
            what=wish.what,
            cart=wish.cart,
            asked={**(wish.body or {}), **wish.told},
            key=wish.key,
            seen=wish.seen,
            sent=sent,
            answered=time.time(),
            status=status,
            answer=answer,
        )
        self.journal.write(entry)
        return entry

    def _send(self, wish: Wish) -> tuple[int, dict[str, Any]]:
        """Send it once; (0, {}) when no answer came."""
        named = {"Idempotency-Key": wish.key, "If-Match": wish.seen}
        headers = {name: value for name, value in named.items() if value}
        try:
            reply = self._client().ask(wish.method, wish.path, wish.body, token=wish.token(), headers=headers)
            found = reply.body or {}
        except (NoAnswer, msgspec.DecodeError):
            return NO_ANSWER, {}
        return reply.status, {**found, "etag": reply.etag} if reply.etag else found

    def _client(self) -> Client:
        known: Client | None = getattr(self._threads, "client", None)
        if known is None:
            known = self._threads.client = Client(self.base, patience=TIMEOUT)
            self._clients.append(known)
        return known
