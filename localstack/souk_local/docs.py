"""The interactive API reference page: swagger-ui over the six services' OpenAPI documents."""

from __future__ import annotations

import hashlib
import html
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from souk_local import install
from souk_local.layout import checkout
from souk_local.services import SERVICES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from souk_local.layout import Layout

SOURCES = checkout() / "localstack" / "gateway" / "docs"
FUNCTIONS = checkout() / "functions"
PACKAGE = Path("drf_spectacular_sidecar", "static", "drf_spectacular_sidecar", "swagger-ui-dist")
ASSETS: Mapping[str, str] = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui-standalone-preset.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
"""What the page loads from `assets/`, and what it is."""
SCRIPT = "reference.js"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy the page needs: swagger-ui sets styles on elements and draws with data: pictures."""


def docs_page(services: Sequence[str]) -> str:
    """Return the page's HTML; it loads `assets/*`, `reference.js` and `../openapi/<service>.json` beside its address."""
    links = " ".join(f'<a href="../openapi/{html.escape(name)}.json">{html.escape(name)}</a>' for name in services)
    page = (SOURCES / "index.html").read_text()
    return page.replace("{{services}}", html.escape(" ".join(services))).replace("{{links}}", links)


def docs_script() -> str:
    """Return the page's own script."""
    return (SOURCES / SCRIPT).read_text()


def assets(layout: Layout) -> Path:
    """Return the folder of swagger-ui's files; `fetch` fills it."""
    return layout.tools / "docs" / PACKAGE


def fetch(layout: Layout, *, say: Callable[[str], None]) -> None:
    """Install the package that carries swagger-ui's files; instant when it is there. Raises StackError."""
    folder, lock = layout.tools / "docs", install.requirements(layout, "docs")
    marker, wanted = folder / "installed-from", hashlib.sha256(lock.read_bytes()).hexdigest()
    if marker.exists() and marker.read_text() == wanted:
        return
    say("installing the files of the API reference page")
    shutil.rmtree(folder, ignore_errors=True)
    where = ["--python", sys.executable, "--target", str(folder)]
    words = ["--quiet", "--no-deps", "--require-hashes", *where, "--requirements", str(lock)]
    install.checked([*install.uv("pip", "install"), *words], "docs")
    marker.write_text(wanted)


def publish(layout: Layout, pages: Path, *, services: Sequence[str] = SERVICES) -> None:
    """Write everything the page needs below `pages`: docs/ and openapi/. What isn't there yet is left out."""
    folder = pages / "docs"
    for place in (folder / "assets", pages / "openapi"):
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
    (folder / "index.html").write_text(docs_page(services))
    (folder / SCRIPT).write_text(docs_script())
    for name in ASSETS:
        copy(assets(layout) / name, folder / "assets" / name)
    for name in services:
        copy(FUNCTIONS / name / "openapi.json", pages / "openapi" / f"{name}.json")


def copy(source: Path, target: Path) -> None:
    """Replace a file by a readable copy of another, as a whole; does nothing when there is no other."""
    if not source.exists():
        return
    draft = target.with_suffix(".draft")
    shutil.copyfile(source, draft)
    draft.chmod(0o644)
    draft.replace(target)
