"""Events: past facts of the trade in one envelope; ids and facts, no personal data."""

import builtins
from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, TypeVar

import msgspec

from souk import telemetry
from souk.errors import Invalid
from souk.ids import new_id


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """What an event says.

    A producer's and a consumer's class for one type need not be the same one: each names the fields it knows, more are
    ignored, and new ones have defaults.
    """

    TYPE: ClassVar[str] = ""
    SCHEMA: ClassVar[int] = 1


Said = TypeVar("Said", bound=Fact)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope. `aggregate` is the id of what it happened to, `version` that thing's version after it."""

    id: str
    type: str
    schema: int
    occurred_at: datetime
    aggregate: str
    version: int
    trace: str
    data: msgspec.Raw

    @classmethod
    def of(cls, fact: Fact, *, aggregate: str, version: int, now: datetime, event_id: str | None = None) -> "Event":
        """Put `fact` in an envelope; `event_id` only where a repeated write must make the same event."""
        return cls(
            id=event_id or new_id(),
            type=fact.TYPE,
            schema=fact.SCHEMA,
            occurred_at=now,
            aggregate=aggregate,
            version=version,
            trace=telemetry.trace_id.get(),
            data=msgspec.Raw(msgspec.json.encode(fact)),
        )

    def read(self, shape: "builtins.type[Said]") -> Said:
        """Return what it says. Raises Invalid for a schema that is not one of the two newest, or data that is not it."""
        if self.schema not in {shape.SCHEMA, shape.SCHEMA - 1}:
            raise Invalid(f"{self.type} of schema {self.schema} is not understood")
        try:
            return msgspec.json.decode(self.data, type=shape)
        except msgspec.ValidationError as error:
            raise Invalid(f"{self.type} does not say what it should: {error}") from error

    def encoded(self) -> bytes:
        """Return the envelope as it travels."""
        return msgspec.json.encode(self)


def decoded(raw: bytes | str) -> Event:
    """Return the event that travelled as `raw`. Raises Invalid for anything else."""
    try:
        return msgspec.json.decode(raw, type=Event)
    except msgspec.MsgspecError as error:
        raise Invalid(f"not an event: {error}") from error


Catalogue = Mapping[str, type[Fact]]


def catalogue(*facts: type[Fact]) -> Catalogue:
    """Return the types of event a producer publishes, or a consumer reads, by name."""
    return {fact.TYPE: fact for fact in facts}
