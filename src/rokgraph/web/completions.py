"""What the query editor completes: prefixes, classes, properties and names, in both languages.

Rule: made of the dataset alone, so that no other host is asked.
"""

import json

from rokgraph import __version__
from rokgraph.curies import short_iri
from rokgraph.web import conditional
from rokgraph.web.exchange import Exchange, Service
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.lookup import Lookup
from rokgraph.web.problems import HttpProblem

PATH = "/completions.json"
_METHODS = "GET, HEAD, OPTIONS"


class Completions:
    """The ASGI application at `/completions.json`."""

    def __init__(self, service: Service, lookup: Lookup) -> None:
        """Tell what this lookup knows."""
        self._service, self._lookup = service, lookup
        self._made: bytes | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await Exchange(self._service, scope, receive, send).run(_METHODS, self._answer)

    async def _answer(self, exchange: Exchange) -> None:
        if exchange.scope["method"] not in ("GET", "HEAD"):
            detail = f"Completions are for reading; use {_METHODS}."
            raise HttpProblem(405, "method", "Method not allowed", detail, {"allow": _METHODS})
        body = await self._document()
        headers = {
            "content-type": "application/json",
            "vary": "Accept-Encoding",
            "cache-control": "public, max-age=3600",
        }
        digest = self._service.engine.summary.digest
        base = conditional.base_tag(digest, __version__, PATH, len(body))
        await exchange.represent(headers, base, "json", body)

    async def _document(self) -> bytes:
        """Prefixes by name, and of each term its CURIE or IRI, its kind and both its names."""
        if self._made is not None:
            return self._made
        prefixes = self._service.engine.summary.prefixes
        names = await self._lookup.names()
        document = {
            "prefixes": dict(sorted(prefixes.items())),
            "terms": [[short_iri(iri, prefixes), *name] for iri, name in names.items()],
        }
        body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        if names:  # else they could not be had yet
            self._made = body
        return body
