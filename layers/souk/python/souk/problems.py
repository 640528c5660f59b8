"""How errors are answered: RFC 9457 problem+json; and how decisions are kept for a repeated Idempotency-Key."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from chalice.app import Response

from souk import errors, telemetry
from souk.errors import Fault, SoukError
from souk.ids import new_id


class Unversioned(SoukError):
    """A change of something that two people may edit came without If-Match (RFC 6585, 428)."""

    code = "unversioned"


class Unsupported(SoukError):
    """The body's media type is not one the door reads."""

    code = "unsupported"


class TooLarge(SoukError):
    """The body is larger than the door takes."""

    code = "too-large"


class Malformed(SoukError):
    """The body is not JSON."""

    code = "malformed"


class NotAllowed(SoukError):
    """The address exists and does not answer this method."""

    code = "not-allowed"

    def __init__(self, detail: str, allowed: Sequence[str]) -> None:
        super().__init__(detail)
        self.allowed = ", ".join(allowed)


STATUS: dict[type[SoukError], tuple[int, str]] = {
    Malformed: (400, "Malformed"),
    errors.Unauthenticated: (401, "Not signed in"),
    errors.Forbidden: (403, "Forbidden"),
    errors.Missing: (404, "Missing"),
    NotAllowed: (405, "Method not allowed"),
    errors.Refused: (409, "Refused"),
    errors.Gone: (410, "Gone"),
    errors.Stale: (412, "Stale"),
    TooLarge: (413, "Too large"),
    Unsupported: (415, "Unsupported media type"),
    errors.Invalid: (422, "Invalid"),
    Unversioned: (428, "Version required"),
    errors.TooMany: (429, "Too many tries"),
    errors.Unavailable: (503, "Unavailable"),
}
_WHERE = re.compile(r" - at `(?:key in )?\$(.*)`$")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_FIELD = re.compile(r"Object (?:contains unknown|missing required) field `(.*)`", re.DOTALL)
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An error as RFC 9457 says it; `errors` point into the request's body (RFC 6901)."""

    type: str
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: list[Fault] = []


class _Sealed(msgspec.Struct, frozen=True):
    status: int
    body: str
    headers: dict[str, str]


def nowhere() -> SoukError:
    """Return the error for an address that nothing answers."""
    return errors.Missing("no such address")


def is_decision(error: SoukError) -> bool:
    """Tell whether an error is the shop's decision, to be repeated for a repeated key, and not a passing state."""
    return isinstance(error, errors.Refused | errors.Invalid)


def answer(error: Exception, *, log: logging.Logger | None = None, shapes: Sequence[Any] = ()) -> Response:
    """Return the answer for `error`; what is no expected error is a bug: logged, and nothing of it told.

    `shapes` are the types that the request was read into: they tell what might have stood at the place of a fault.
    """
    known = _known(error, shapes)
    if known is None:
        if log is not None:
            log.error("a bug", exc_info=error)
        return _response(Problem(type="urn:souk:problem:internal", title="Internal error", status=500), {})
    status, title = next(STATUS[kind] for kind in type(known).__mro__ if kind in STATUS)
    problem = Problem(
        type=f"urn:souk:problem:{known.kind}",
        title=title,
        status=status,
        detail=known.detail,
        instance=f"urn:souk:request:{telemetry.request_id.get()}",
        errors=list(known.faults),
    )
    return _response(problem, _headers(known))


def _known(error: Exception, shapes: Sequence[Any]) -> SoukError | None:
    if isinstance(error, SoukError):
        return error
    if isinstance(error, msgspec.ValidationError):
        return _misfit(str(error), shapes)
    if isinstance(error, msgspec.DecodeError):
        return Malformed(str(error))
    return None


def _misfit(text: str, shapes: Sequence[Any]) -> SoukError:
    """Return what msgspec says about a value as the error of its place."""
    found = _WHERE.search(text)
    detail = text[: found.start()] if found else text
    path, table, _ = (found[1] if found else "").partition("[...]")  # it never says under which key of a table
    if detail.startswith("Invalid enum value") and not table:
        detail += _instead(_pointer(path), shapes)
    return errors.Invalid(detail, faults=[Fault(_pointer(path) + ("" if table else _field(detail)), detail)])


def _instead(pointer: str, shapes: Sequence[Any]) -> str:
    """Return what else may stand at a place, as the end of a sentence."""
    from souk import choices  # never on a request that is as it should be

    known = [one for shape in shapes if shape is not None for one in choices.at(shape, pointer)]
    return f"; it is one of {', '.join(known)}" if known else ""


def _pointer(path: str) -> str:
    """Return msgspec's path (`.lines[0].sku`) as a JSON pointer (`/lines/0/sku`)."""
    return "".join(f"/{field or place}" for field, place in _STEP.findall(path))


def _field(detail: str) -> str:
    """Return the last step of a pointer to a field that is too much or missing; msgspec points at what it stands in."""
    found = _FIELD.fullmatch(detail)
    return "/" + found[1].replace("~", "~0").replace("/", "~1") if found else ""


def _headers(error: SoukError) -> dict[str, str]:
    match error:
        case errors.TooMany() | errors.Unavailable():
            return {"Retry-After": str(error.retry_after)}
        case errors.Unauthenticated():
            return {"WWW-Authenticate": "Bearer"}
        case NotAllowed():
            return {"Allow": error.allowed}
        case errors.Gone(moved_to=str() as address):
            return {"Location": address}
    return {}


def _response(problem: Problem, headers: dict[str, str]) -> Response:
    body = msgspec.json.encode(problem).decode()
    return Response(body, status_code=problem.status, headers={"Content-Type": "application/problem+json", **headers})


def sealed(given: Response) -> bytes:
    """Return an answer as it is kept beside its effect."""
    headers = {name: value for name, value in given.headers.items() if isinstance(value, str)}
    return msgspec.json.encode(_Sealed(given.status_code, given.body, headers))


def replayed(stored: bytes) -> Response:
    """Return a kept answer again, marked as such."""
    kept = msgspec.json.decode(stored, type=_Sealed)
    return Response(kept.body, status_code=kept.status, headers={**kept.headers, "Idempotent-Replayed": "true"})


@contextmanager
def traced(headers: Mapping[str, str]) -> Iterator[None]:
    """Give a request its ids by its headers: its own, and the trace it belongs to (W3C Trace Context, or its own id)."""
    given = headers.get("x-request-id", "")
    one = given if REQUEST_ID.fullmatch(given) else new_id()
    parent = _TRACEPARENT.fullmatch(headers.get("traceparent", ""))
    first = telemetry.request_id.set(one)
    second = telemetry.trace_id.set(parent[1] if parent else one)
    try:
        yield
    finally:
        telemetry.trace_id.reset(second)
        telemetry.request_id.reset(first)
