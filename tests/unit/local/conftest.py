"""A site in a folder of its own, with made-up ports and real credentials."""

from pathlib import Path

import pytest

from souk_local import credentials, layout
from souk_local.layout import Layout
from souk_local.site import Site

BASE = 20_000


@pytest.fixture
def place(tmp_path: Path) -> Layout:
    found = Layout(root=layout.checkout(), state=tmp_path / "state", tools=tmp_path / "state" / "tools", base=BASE)
    layout.make_folders(found)
    return found


@pytest.fixture
def site(place: Layout) -> Site:
    return Site(layout=place, credentials=credentials.load(place.credentials))
