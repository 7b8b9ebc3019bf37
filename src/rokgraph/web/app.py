"""The whole site as one ASGI application.

Rule: puts the parts together; the endpoint stands outside the framework, which costs more than
most queries.
"""

import asyncio
from collections.abc import Awaitable, Callable

from rokgraph.engine import Engine
from rokgraph.publication import Publication
from rokgraph.web import assets, catalogue, discovery
from rokgraph.web.assets import Assets
from rokgraph.web.catalogue import CatalogueRoute, Counted
from rokgraph.web.completions import PATH as COMPLETIONS
from rokgraph.web.completions import Completions
from rokgraph.web.direct import Direct
from rokgraph.web.discovery import Discovery
from rokgraph.web.downloads import Downloads
from rokgraph.web.examples import PATH as EXAMPLES
from rokgraph.web.examples import Examples
from rokgraph.web.exchange import Service
from rokgraph.web.framework import Framework
from rokgraph.web.graphs import GraphStore
from rokgraph.web.http import Receive, Scope, Send
from rokgraph.web.lookup import Lookup
from rokgraph.web.openapi import ADDRESS as OPENAPI
from rokgraph.web.openapi import OpenApi
from rokgraph.web.pages import drawing
from rokgraph.web.pages.drawing import Drawing
from rokgraph.web.pages.routes import VIEWS, Pages
from rokgraph.web.pages.subscription import Subscription
from rokgraph.web.pages.timeline import CALENDAR
from rokgraph.web.questions import Questions
from rokgraph.web.reconciliation import Reconciliation
from rokgraph.web.resources import SEGMENTS, Resources
from rokgraph.web.search import OpenSearch, Search
from rokgraph.web.sparql import SparqlEndpoint
from rokgraph.web.suggestions import Suggestions

_Route = Callable[[Scope, Receive, Send], Awaitable[None]]


class Site:
    """Dispatch: by whole path, then by first segment, everything else to the framework.

    `running` counts the requests that are being answered.
    """

    def __init__(self, service: Service, lookup: Lookup, counted: Counted) -> None:
        """Take the parts; `begin` it before the first request, `close` it after the last."""
        self.service, self.running = service, 0
        self._lookup, self._publication = lookup, counted.publication
        self._making: asyncio.Task[None]
        endpoint, store = SparqlEndpoint(service, lookup), GraphStore(service)
        self._paths: dict[str, _Route] = {
            "/sparql": endpoint,
            "/sparql/": endpoint,
            "/graph-store": store,
            "/search": Search(service, lookup),
            "/opensearch.xml": OpenSearch(service),
            "/reconcile": Reconciliation(service, lookup),
        }
        self._segments: dict[str, _Route] = dict.fromkeys(SEGMENTS, Resources(service))
        self._segments["queries"] = Questions(service, lookup)
        self._paths[EXAMPLES] = Examples(service)
        self._paths[COMPLETIONS] = Completions(service, lookup)
        self._rest = Framework(service)
        self._paths[OPENAPI] = OpenApi(service, self._rest.application)
        self._paths |= dict.fromkeys(catalogue.PATHS, CatalogueRoute(service, counted))
        self._paths |= dict.fromkeys(discovery.PATHS, Discovery(service))
        self._segments[discovery.SEGMENT] = Discovery(service)
        drawn = Drawing(service, counted.publication)
        self._paths |= dict.fromkeys(drawing.PATHS, drawn)
        self._segments[assets.SEGMENT] = Assets(service)
        self._segments["data"] = Downloads(service, counted.publication)
        self._paths |= dict.fromkeys(VIEWS, Pages(service, counted.catalogue, counted.publication))
        self._paths[CALENDAR] = Subscription(service, counted.publication)
        self._segments["reconcile"] = Suggestions(service, lookup)
        self.direct = Direct(service, self)

    async def begin(self) -> None:
        """Take up work, on a running event loop."""
        await self.service.engine.start()
        self._lookup.begin()
        self._making = asyncio.create_task(self._publication.make())

    async def close(self) -> None:
        """Stop everything; who still waits is told so."""
        self._making.cancel()
        await self._publication.close()
        await self.service.engine.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        route: _Route | None = None
        if scope["type"] == "http":
            path = scope["path"]
            route = self._paths.get(path) or self._segments.get(path[1:].partition("/")[0])
        self.running += 1
        try:
            await (route or self._rest)(scope, receive, send)
        finally:
            self.running -= 1


def create_app(engine: Engine, before: Service | None = None) -> Site:
    """The site over an engine that is prepared.

    `before`: that of the site whose place it takes, whose counting goes on here.
    """
    service = Service.over(engine, before)
    lookup = Lookup(service)
    publication = Publication(engine.settings, engine.summary)
    counted = Counted(service, publication)

    return Site(service, lookup, counted)
