"""`souk openapi`: write the API and event documents of the services, or compare them with the code."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from souk.openapi import describe
from souk_cli import apps, asyncapi
from souk_local.services import SERVICES


@click.command("openapi")
@click.argument("services", nargs=-1, type=click.Choice(SERVICES))
@click.option("--check", is_flag=True, help="Write nothing; show what differs and exit with 1.")
def command(services: tuple[str, ...], *, check: bool) -> None:
    """Write openapi.json and asyncapi.json of SERVICES (all of them when none is named)."""
    stale = [(path, text) for path, text in documents(services or SERVICES) if kept(path) != text]
    for path, text in stale:
        if check:
            click.echo("".join(difference(path, text)))
        else:
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {path.relative_to(apps.ROOT)}")
    if check and stale:
        click.echo("the documents differ from the code; `souk openapi` writes them", err=True)
        sys.exit(1)
    if not stale:
        click.echo("the documents say what the code does")


def documents(services: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    """Yield each document's path and text as they should be."""
    for service in services:
        for name, document in (("openapi", describe(apps.app(service))), ("asyncapi", asyncapi.describe(service))):
            yield apps.folder(service) / f"{name}.json", json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def kept(path: Path) -> str:
    """Return a document as it is."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def difference(path: Path, text: str) -> Iterator[str]:
    """Show how the kept document differs from what the code says."""
    name = str(path.relative_to(apps.ROOT))
    old, new = kept(path).splitlines(keepends=True), text.splitlines(keepends=True)
    return difflib.unified_diff(old, new, f"{name} (kept)", f"{name} (code)", n=2)
