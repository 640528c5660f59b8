"""Elasticsearch, or OpenSearch where the URL says so: one client per process, made when first used."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from souk.errors import Unavailable
from souk.settings import setting

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

ANSWER = 5.0  # seconds
OPENSEARCH = "opensearch+"  # before http:// or https:// in the setting


def connect(url: str) -> "Elasticsearch":
    """Return a client for the engine at `url`; it connects when first used."""
    from elasticsearch import Elasticsearch

    more: dict[str, Any] = {}
    if url.startswith(OPENSEARCH):
        from souk.opensearch import OpenSearchNode

        url, more = url.removeprefix(OPENSEARCH), {"node_class": OpenSearchNode}
    return Elasticsearch(url, request_timeout=ANSWER, max_retries=1, retry_on_timeout=False, **more)


class Search:
    """A service's search engine, by the setting that holds its URL."""

    def __init__(self, service: str) -> None:
        """Say whose engine; nothing is read or connected before the first use."""
        self._service = service
        self._client: Elasticsearch | None = None

    def _connected(self) -> "Elasticsearch":
        if self._client is None:
            self._client = connect(setting(self._service, "SEARCH_URL"))
        return self._client

    @contextmanager
    def client(self) -> Iterator["Elasticsearch"]:
        """Give the client to what is inside; an engine that does not answer there is Unavailable."""
        from elasticsearch import ApiError, TransportError

        try:
            yield self._connected()
        except TransportError as error:
            raise Unavailable(f"the search engine of {self._service} does not answer") from error
        except ApiError as error:
            if error.status_code in {429, 502, 503, 504}:
                raise Unavailable(f"the search engine of {self._service} is busy") from error
            raise

    def ping(self) -> None:
        """Ask for a sign of life. Raises Unavailable."""
        with self.client() as client:
            client.info()
