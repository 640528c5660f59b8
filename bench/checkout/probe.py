"""Shoppers who do one thing all the time: how long nobody was served is the longest pause between two of their successes."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

from bench.checkout.shop import CONTACT, Buyer, Goods
from bench.wire import Client, NoAnswer
from souk_cli.demo.wish import quote_for
from souk_local.patience import keep_looking

PACE = 0.05  # seconds between two requests
PATIENCE = 10.0  # seconds for one answer; far longer than one takes


class Probe:
    """One of them; writes down when it succeeded."""

    def __init__(self, base: str, ask: Callable[[Client], int]) -> None:
        """Ask the shop at `base`, over and over."""
        self._client = Client(base, patience=PATIENCE)
        self._ask = ask
        self._over, self._awake = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.served = [time.monotonic()]

    def start(self) -> None:
        """Begin."""
        self._awake.set()
        self._thread.start()

    def wake(self) -> None:
        """Go on after a rest; what was not asked for meanwhile is no outage."""
        self.served.append(time.monotonic())
        self._awake.set()

    def rest(self, within: float) -> None:
        """Wait until it is served again, then ask for nothing."""
        began = time.monotonic()
        keep_looking(lambda: not self._awake.is_set() or self.served[-1] >= began, within=within, pause=PACE)
        self._awake.clear()

    def stop(self) -> None:
        """End."""
        self._over.set()
        self._awake.set()
        self._thread.join(PATIENCE)
        self._client.close()

    def outage(self, since: float) -> float:
        """Return for how many seconds at the longest nobody was served since then."""
        moments = list(self.served)
        pauses = [later - earlier for earlier, later in itertools.pairwise(moments) if later >= since]
        return max(pauses, default=0.0)

    def _run(self) -> None:
        while not self._over.wait(PACE):
            self._awake.wait()
            try:
                status = self._ask(self._client)
            except (NoAnswer, ValueError):
                continue
            if status < 300:
                self.served.append(time.monotonic())


@contextmanager
def probing(base: str, goods: Goods) -> Iterator[tuple[Probe, Probe]]:
    """Let one change a cart and another one ask for quotes, all the time."""
    buyer = Buyer(Client(base))
    buyer.open()
    buyer.add(goods)
    line: dict[str, Any] = {"sku": goods.sku, "quantity": 1}

    def change(client: Client) -> int:
        line["quantity"] = line["quantity"] % 9 + 1
        where, wish = f"/cart/carts/{buyer.cart}/lines/{goods.sku}", {"quantity": line["quantity"]}
        return client.ask("PUT", where, wish, token=buyer.token).status

    def quote(client: Client) -> int:
        wish = quote_for([{"sku": goods.sku, "quantity": 1}], CONTACT, method="pickup")
        return client.ask("POST", "/order/quotes", wish, headers={"Idempotency-Key": str(uuid4())}).status

    probes = Probe(base, change), Probe(base, quote)
    for one in probes:
        one.start()
    try:
        yield probes
    finally:
        for one in probes:
            one.stop()
        buyer.client.close()
