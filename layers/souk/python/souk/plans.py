"""Statements that a connection plans once: planning a large one takes longer than running it.

A prepared statement belongs to its session. That is only ours to keep where a connection leads to PostgreSQL itself: a
proxy that shares sessions (as RDS Proxy in front of Lambda functions does) would have to pin it. `SOUK_SESSIONS=own`
says that it does; otherwise the same statements are sent as they are.
"""

import os
import re
from typing import Any, Self

SESSIONS = "SOUK_SESSIONS"
OWN = "own"
# Planning for these very values is what shall be saved; left to itself, PostgreSQL goes on with it for some.
FOR_ALL_VALUES = "-c plan_cache_mode=force_generic_plan"
_VALUE = re.compile(r"%\((\w+)\)s(::\w+(?:\[\])?)?")


def is_own() -> bool:
    """Tell whether connections are sessions of our own."""
    return os.environ.get(SESSIONS) == OWN


class Planned(str):
    """A statement with named values; one whose type PostgreSQL cannot tell from its place is cast there."""

    __slots__ = ("_numbered", "_types")
    _numbered: str
    _types: dict[str, str]

    def __new__(cls, sql: str) -> Self:
        """Keep its values apart: each is numbered by its first place, and has the type it is first cast to."""
        made = super().__new__(cls, sql)
        made._types = {}
        for name, cast in _VALUE.findall(sql):
            made._types[name] = made._types.get(name) or cast
        numbers = {name: number for number, name in enumerate(made._types, 1)}
        made._numbered = _VALUE.sub(lambda found: f"${numbers[found[1]]}{found[2] or ''}", sql)
        return made

    def prepare(self, name: str) -> str:
        """Return the statement that prepares this one under a name."""
        types = ", ".join(cast.removeprefix("::") or "unknown" for cast in self._types.values())
        return f"PREPARE {name}{types and f' ({types})'} AS {self._numbered}"

    def execute(self, name: str) -> str:
        """Return the statement that runs what was prepared under a name, with named values as this one has."""
        values = ", ".join(f"%({value})s{cast}" for value, cast in self._types.items())
        return f"EXECUTE {name}{values and f' ({values})'}"


class Plans:
    """What one connection has prepared."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._prepared: dict[str, str] = {}
        self._own = is_own()

    @property
    def options(self) -> str | None:
        """What the connection is to be opened with; a proxy that shares sessions takes no options."""
        return FOR_ALL_VALUES if self._own else None

    def written(self, cursor: Any, sql: str, values: dict[str, Any]) -> bytes:
        """Return a statement as it is sent; a planned one is prepared where it was not yet, whatever is undone later."""
        if not self._own or not isinstance(sql, Planned):
            return cursor.mogrify(sql, values)  # type: ignore[no-any-return]
        prepared = self._prepared.get(sql)
        if prepared is None:
            name = f"souk_{len(self._prepared) + 1}"
            cursor.execute(sql.prepare(name))
            prepared = self._prepared[sql] = sql.execute(name)
        return cursor.mogrify(prepared, values)  # type: ignore[no-any-return]
