"""How often each function ran, failed and started, since LocalStack started: what `souk status` shows."""

import json
import threading
import time
from dataclasses import asdict, dataclass, replace

from souk_executor.sandbox import Outcome

ERROR_CHARACTERS = 500


@dataclass(frozen=True, kw_only=True)
class Count:
    """The numbers of one function."""

    invocations: int = 0
    errors: int = 0
    cold_starts: int = 0
    environments: int = 0
    last_duration_ms: float | None = None
    last_invoked_at: float | None = None
    last_error: str | None = None
    last_error_at: float | None = None


class Counts:
    """The numbers of all functions, by name."""

    def __init__(self) -> None:
        self._counts: dict[str, Count] = {}
        self._lock = threading.Lock()

    def started(self, function: str) -> None:
        """Count an execution environment that was started."""
        with self._lock:
            count = self._counts.get(function, Count())
            self._counts[function] = replace(
                count, cold_starts=count.cold_starts + 1, environments=count.environments + 1
            )

    def stopped(self, function: str) -> None:
        """Count an execution environment that was stopped."""
        with self._lock:
            count = self._counts.get(function, Count())
            self._counts[function] = replace(count, environments=count.environments - 1)

    def failed(self, function: str, payload: bytes) -> None:
        """Count an error, with its text."""
        with self._lock:
            count = self._counts.get(function, Count())
            self._counts[function] = replace(
                count, errors=count.errors + 1, last_error=_text(payload), last_error_at=time.time()
            )

    def invoked(self, function: str, outcome: Outcome) -> None:
        """Count an invocation, and its error if it is one."""
        with self._lock:
            count = self._counts.get(function, Count())
            self._counts[function] = replace(
                count,
                invocations=count.invocations + 1,
                last_duration_ms=round(outcome.milliseconds, 2),
                last_invoked_at=time.time(),
            )
        if outcome.answer.failed:
            self.failed(function, outcome.answer.payload)

    def shown(self) -> dict[str, dict[str, object]]:
        """Answer the numbers as JSON has them; times are seconds since 1970."""
        with self._lock:
            return {name: asdict(count) for name, count in sorted(self._counts.items())}


def _text(payload: bytes) -> str:
    try:
        error = json.loads(payload)
        return f"{error['errorType']}: {error['errorMessage']}"[:ERROR_CHARACTERS]
    except (ValueError, KeyError, TypeError):
        return payload[:ERROR_CHARACTERS].decode(errors="replace")
