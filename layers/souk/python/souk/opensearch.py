"""Lets the unmodified Elasticsearch client talk to OpenSearch: media types and the product header differ, no more."""

import dataclasses
import re
from typing import Any

from elastic_transport import HttpHeaders, Urllib3HttpNode
from elastic_transport._node import NodeApiResponse  # the public way to name what a node answers does not exist

_VENDOR = re.compile(r"application/vnd\.elasticsearch\+(json|x-ndjson)(?:\s*;\s*compatible-with=\d+)?")


class OpenSearchNode(Urllib3HttpNode):
    """For `Elasticsearch(..., node_class=OpenSearchNode)`. Stay inside what both engines have."""

    def perform_request(
        self,
        method: str,
        target: str,
        body: bytes | None = None,
        headers: HttpHeaders | None = None,
        request_timeout: Any = None,
    ) -> NodeApiResponse:
        """Send with plain media types, and answer in the name of the product that the client insists on."""
        plain = HttpHeaders({name: _VENDOR.sub(r"application/\1", value) for name, value in (headers or {}).items()})
        meta, raw = super().perform_request(method, target, body=body, headers=plain, request_timeout=request_timeout)
        if "x-elastic-product" not in meta.headers:
            named = HttpHeaders({**dict(meta.headers.items()), "x-elastic-product": "Elasticsearch"})
            meta = dataclasses.replace(meta, headers=named)
        return NodeApiResponse(meta, raw)
