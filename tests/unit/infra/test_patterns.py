"""Patterns of the doors: Python's `$` also matches before a line's end, which would let `owner\\n` be another `owner`."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from souk.openapi import describe
from souk_cli.apps import app
from souk_local.services import SERVICES


def patterns(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(found := document.get("pattern"), str):
            yield found
        document = list(document.values())
    if isinstance(document, list):
        for part in document:
            yield from patterns(part)


@pytest.mark.parametrize("service", SERVICES)
def test_no_pattern_lets_a_line_end_follow(service: str) -> None:
    loose = {one for one in patterns(describe(app(service))) if re.search(r"(?<!\\)\$$", one)}
    assert not loose
