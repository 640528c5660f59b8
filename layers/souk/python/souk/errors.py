"""The errors a shop expects: each says what went wrong in the shop's words, and `souk.http` knows how to answer it."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong with an input: where (a JSON pointer, RFC 6901) and what."""

    pointer: str
    detail: str


class SoukError(Exception):
    """An expected error. `code` tells programs apart what `detail` tells people; it may be narrowed per raise."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str, *, code: str | None = None, faults: Sequence[Fault] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.kind = code or self.code
        self.faults = tuple(faults)


class Missing(SoukError):
    """What was asked for does not exist, or not for this caller."""

    code = "missing"


class Gone(Missing):
    """What was asked for has become something else, to be found at `moved_to` (an address), if anywhere."""

    code = "gone"

    def __init__(self, detail: str, *, moved_to: str | None = None) -> None:
        super().__init__(detail)
        self.moved_to = moved_to


class Refused(SoukError):
    """A rule of the shop forbids it in the state things are in."""

    code = "refused"


class Stale(SoukError):
    """The caller looked at an older version than the one that is there now."""

    code = "stale"


class Invalid(SoukError):
    """The input breaks a rule that needs no look at the state of things; `faults` say where."""

    code = "invalid"


class Unauthenticated(SoukError):
    """Who is calling is not known: no token, or none that holds."""

    code = "unauthenticated"


class Forbidden(SoukError):
    """Who is calling is known and may not do this."""

    code = "forbidden"


class TooMany(SoukError):
    """Too many tries; the next one is welcome after `retry_after` seconds."""

    code = "too-many"

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(SoukError):
    """A store cannot be reached or does not answer in time; trying again after `retry_after` seconds is worth it."""

    code = "unavailable"

    def __init__(self, detail: str, *, retry_after: int = 2) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
