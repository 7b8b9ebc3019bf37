"""The questions as one RDF document, where editors look for examples of an endpoint.

Rule: the triples of the graph of examples, with this endpoint as their target.

See https://www.rfc-editor.org/rfc/rfc8615
"""

from functools import lru_cache
from itertools import chain
from typing import cast

import pyoxigraph as ox

from rokgraph import __version__, formats
from rokgraph.examples import declarations, triples
from rokgraph.library import saved_queries
from rokgraph.web import conditional
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.negotiation import negotiate
from rokgraph.web.problems import HttpProblem

PATH = "/.well-known/sparql-examples"
_USED = ("question", "rdfs", "schema", "sh", "xsd")
_METHODS = "GET, HEAD, OPTIONS"


class Examples:
    """The ASGI application at `/.well-known/sparql-examples`."""

    def __init__(self, service: Service) -> None:
        """Tell of the questions that are files now."""
        self._service = service
        self._saved = saved_queries(service.engine.settings.root, "questions")
        self._written = lru_cache(maxsize=16)(self._write)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._document)

    async def _document(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"The examples are for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        wanted = negotiate(exchange.accept, None)
        form = formats.graph_format("turtle" if wanted.html else wanted.graph or "")
        if form is None or form in formats.DATASET_FORMATS:
            offered = ", ".join(entry.media_type for entry in formats.GRAPH_FORMATS)
            raise HttpProblem(
                406, "not-acceptable", "No acceptable format", f"On offer: {offered}."
            )
        endpoint = self._service.base_url(exchange.scope, exchange.headers) + "/sparql"
        headers = {
            "content-type": form.content_type,
            "vary": "Accept, Accept-Encoding",
            "cache-control": "public, max-age=60",
        }
        digest = self._service.engine.summary.digest
        base = conditional.base_tag(digest, __version__, PATH, endpoint)
        await exchange.represent(headers, base, form.name, self._written(endpoint, form.name))

    def _write(self, endpoint: str, name: str) -> bytes:
        form = formats.graph_format(name) or formats.GRAPH_FORMATS[0]
        table = self._service.engine.summary.prefixes
        said = chain(triples(self._saved, endpoint), declarations(table))
        native = cast("ox.RdfFormat", form.native)
        prefixes = {prefix: table[prefix] for prefix in _USED if prefix in table}
        return ox.serialize(said, format=native, prefixes=prefixes) or b""
