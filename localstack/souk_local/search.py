"""OpenSearch, natively from jars; in a container it is Elasticsearch, which the same client speaks to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from souk_local.layout import LOOPBACK

if TYPE_CHECKING:
    from souk_local.site import Site


def url(site: Site, engine: str) -> str:
    """Where a client connects; OpenSearch has no accounts here."""
    where = f"{LOOPBACK}:{site.port('search')}"
    if engine == "native":
        return f"opensearch+http://{where}"
    return f"http://elastic:{site.credentials.password('search')}@{where}"
