"""Scheduled functions are called at their times, whatever became of the call before."""

import threading
from typing import Any

from souk_cli.bridge.schedule import Appointment, Schedule


def test_an_appointment_is_kept_again_after_it_failed() -> None:
    calls: list[dict[str, Any]] = []
    enough = threading.Event()

    def call(event: dict[str, Any], context: Any) -> None:
        calls.append(event)
        assert context.get_remaining_time_in_millis() > 0
        if len(calls) == 1:
            raise ZeroDivisionError
        enough.set()

    schedule = Schedule([Appointment(name="order.sweep", seconds=0.001, call=call)], first=0.0)
    schedule.start()
    assert enough.wait(60)
    schedule.stop()
    assert calls[0]["source"] == "aws.events"
