"""Neo4j Community, natively from jars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from souk_local.layout import LOOPBACK

if TYPE_CHECKING:
    from souk_local.site import Site


def url(site: Site) -> str:
    """Where a client connects."""
    return f"bolt://neo4j:{site.credentials.password('graph')}@{LOOPBACK}:{site.port('graph')}"
