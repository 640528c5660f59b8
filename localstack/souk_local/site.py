"""A stack's place in the world: its layout and its credentials, which every store needs to know."""

from __future__ import annotations

from msgspec import Struct

from souk_local import credentials, layout
from souk_local.credentials import Credentials
from souk_local.layout import Layout


class Site(Struct, frozen=True, kw_only=True):
    """Where the stack lives and the secrets it uses."""

    layout: Layout
    credentials: Credentials

    def port(self, name: str) -> int:
        """Return the port of a listener named in `layout.OFFSETS`."""
        return self.layout.port(name)


def here() -> Site:
    """Return the site of this checkout, with its folders and credentials made when they are missing."""
    place = layout.find()
    layout.make_folders(place)
    return Site(layout=place, credentials=credentials.load(place.credentials))
