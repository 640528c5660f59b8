"""Finds the route of an address as API Gateway does: an exact one before one with parts, a greedy one last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from msgspec import Struct

_PARTS = re.compile(r"(\{[^}]+\})")
GREEDY = "+}"


class Found(Struct, frozen=True):
    """A route's template and the parts of the address that fill it, percent-encoded as API Gateway passes them."""

    template: str
    parts: dict[str, str] | None


class _Pattern(Struct, frozen=True):
    template: str
    regex: re.Pattern[str]
    greedy: frozenset[str]

    def match(self, path: str) -> Found | None:
        found = self.regex.fullmatch(path)
        if found is None:
            return None
        parts = found.groupdict()
        return Found(self.template, {name: quote(part, safe=self._safe(name)) for name, part in parts.items()})

    def _safe(self, name: str) -> str:
        return "/" if name in self.greedy else ""


class Routes:
    """The routes of one app."""

    def __init__(self, templates: Iterable[str]) -> None:
        """Take the templates, such as `/orders/{order_id}`."""
        known = tuple(templates)
        self._exact: Mapping[str, Found] = {one: Found(one, None) for one in known if "{" not in one}
        self._patterns = tuple(_pattern(one) for one in sorted((one for one in known if "{" in one), key=_rank))

    def find(self, path: str) -> Found | None:
        """Return the route of a decoded path, or None."""
        exact = self._exact.get(path)
        if exact is not None:
            return exact
        return next((found for pattern in self._patterns if (found := pattern.match(path))), None)


def _rank(template: str) -> tuple[tuple[int, str], ...]:
    """Order templates so that, part by part, plain text comes before a parameter and that before a greedy one."""
    return tuple((_kind(part), part) for part in template.split("/"))


def _kind(part: str) -> int:
    if part.endswith(GREEDY):
        return 2
    return 1 if part.startswith("{") else 0


def _pattern(template: str) -> _Pattern:
    pieces = _PARTS.split(template)
    names = {piece[1:-1].removesuffix("+"): piece.endswith(GREEDY) for piece in pieces if piece.startswith("{")}
    regex = re.compile("".join(map(_piece, pieces)))
    return _Pattern(template, regex, frozenset(name for name, greedy in names.items() if greedy))


def _piece(piece: str) -> str:
    if not piece.startswith("{"):
        return re.escape(piece)
    name = piece[1:-1]
    return f"(?P<{name.removesuffix('+')}>{'.+' if name.endswith('+') else '[^/]+'})"
