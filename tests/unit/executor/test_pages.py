from collections.abc import Iterator
from pathlib import Path

import pytest

from souk_executor.pages import LARGEST_FILE, Pages


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[Pages]:
    opened = Pages(tmp_path)
    yield opened
    opened.close()


def test_each_function_has_its_own_file(pages: Pages, tmp_path: Path) -> None:
    pages.add("a", "one\n")
    pages.add("b", "two\n")
    pages.add("a", "100% of three\n")
    assert (tmp_path / "a.log").read_text() == "one\n100% of three\n"
    assert (tmp_path / "b.log").read_text() == "two\n"


def test_a_large_file_is_moved_aside_once(pages: Pages, tmp_path: Path) -> None:
    for _ in range(5):
        pages.add("a", "x" * (LARGEST_FILE // 2) + "\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.log", "a.log.1"]
