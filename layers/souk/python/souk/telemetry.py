"""Structured logs: one JSON object a line, carrying the trace that follows a request through HTTP, RabbitMQ and SQS."""

import logging
import re
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

import msgspec

trace_id: ContextVar[str] = ContextVar("trace_id", default="")
request_id: ContextVar[str] = ContextVar("request_id", default="")

# What must never be written down, by the name of the field that would carry it.
_PRIVATE = re.compile(
    r"pass(word|phrase)|token|secret|authorization|cookie|e_?mail|phone|address|name$|^key$", re.IGNORECASE
)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

# PostgreSQL quotes there the row that it would not keep.
_QUOTED = re.compile(r"^(DETAIL|CONTEXT):.*", re.MULTILINE)


def _shown(field: str, value: Any) -> Any:
    return "***" if _PRIVATE.search(field) else value


class _Lines(logging.Formatter):
    """Formats a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "service": record.name.removeprefix("souk."),
            "message": record.getMessage(),
            "trace": trace_id.get() or None,
            "request": request_id.get() or None,
        }
        line |= {key: _shown(key, value) for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = _QUOTED.sub(r"\1: ***", self.formatException(record.exc_info))
        return msgspec.json.encode(line, enc_hook=str).decode()


class _Stdout(logging.StreamHandler[Any]):
    """Writes to whatever standard output is at the time, so that a replaced one is followed."""

    def __init__(self) -> None:
        super().__init__(sys.stdout)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stdout
        super().emit(record)


def logger(service: str) -> logging.Logger:
    """Return the log of `service`; fields go in `extra=`. Values of fields that name something private are masked."""
    log = logging.getLogger(f"souk.{service}")
    if not log.handlers:
        handler = _Stdout()
        handler.setFormatter(_Lines())
        log.addHandler(handler)
        log.setLevel(logging.INFO)
        log.propagate = False
    return log
