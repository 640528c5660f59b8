"""What stands beside the services: the API documents and the page that shows them."""

from pathlib import Path
from typing import Any

import pytest

from souk_cli.serve import pages
from souk_local import docs


def shown(path: str) -> dict[str, Any]:
    page = pages.page("GET", path)
    assert page is not None
    return dict(page)


def test_the_reference_page_may_run_its_own_scripts_only() -> None:
    page = shown("/docs/")
    assert page["headers"]["Content-Type"] == "text/html; charset=utf-8"
    assert page["headers"]["Content-Security-Policy"] == docs.POLICY
    assert b'data-services="admin ' in page["body"]


def test_the_page_without_its_slash_leads_to_it() -> None:
    page = shown("/docs")
    assert (page["statusCode"], page["headers"]["Location"]) == (301, "/docs/")


def test_the_page_finds_what_it_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUK_TOOLS", str(tmp_path))
    folder = tmp_path / "docs" / docs.PACKAGE
    folder.mkdir(parents=True)
    for name in docs.ASSETS:
        (folder / name).write_text(name)
    assert {name: shown(f"/docs/assets/{name}")["body"] for name in docs.ASSETS} == {
        name: name.encode() for name in docs.ASSETS
    }
    assert shown("/docs/reference.js")["headers"]["Content-Type"] == "text/javascript"


@pytest.mark.parametrize(
    "path", ["/docs/assets/..", "/docs/assets/other.js", "/docs/other", "/openapi/stranger.json", "/"]
)
def test_there_is_nothing_else(path: str) -> None:
    assert pages.page("GET", path) is None


def test_pages_are_only_read() -> None:
    assert pages.page("POST", "/docs/") is None
