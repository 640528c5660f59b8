"""Calls the scheduled functions of the apps as often as they ask for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from souk.ids import new_id
from souk_cli.bridge.targets import LOG
from souk_cli.serve.proxy import Context
from souk_local.services import SERVICES

FIRST = 10.0  # seconds after the start
MINUTE = 60.0


class Appointment(Struct, frozen=True, kw_only=True):
    """A function and how often it is called."""

    name: str
    seconds: float
    call: Callable[[dict[str, Any], Any], Any]


def appointments() -> list[Appointment]:
    """Return those that the apps ask for."""
    from souk_cli import apps

    return [
        Appointment(
            name=f"{service}.{tick.view.__name__}",
            seconds=tick.minutes * MINUTE,
            call=getattr(apps.load(service), tick.view.__name__),
        )
        for service in SERVICES
        for tick in apps.app(service).ticks
    ]


class Schedule:
    """Each appointment in a thread of its own."""

    def __init__(self, wanted: Sequence[Appointment] | None = None, *, first: float = FIRST) -> None:
        """Keep these, or all that the apps ask for; the first calls come `first` seconds after the start."""
        self._first = first
        self._ending = threading.Event()
        known = appointments() if wanted is None else wanted
        self._threads = [threading.Thread(target=self._keep, args=(one,), name=one.name, daemon=True) for one in known]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Call nothing more; what is being called may finish as long as the process lives."""
        self._ending.set()

    def _keep(self, appointment: Appointment) -> None:
        wait = self._first
        while not self._ending.wait(wait):
            wait = appointment.seconds
            try:
                appointment.call(_event(), Context(appointment.name, new_id()))
            except Exception as error:  # noqa: BLE001 - the outermost door: the next appointment stands
                LOG.error("a scheduled function failed", extra={"function": appointment.name}, exc_info=error)


def _event() -> dict[str, Any]:
    return {
        "version": "0",
        "id": new_id(),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": "serve",
        "resources": [],
        "detail": {},
    }
