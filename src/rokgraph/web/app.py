"""The whole site as one ASGI application.

Rule: puts the parts together; the endpoint stands outside the framework, which costs more than
most queries.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from rokgraph import __version__
from rokgraph.engine import Engine
from rokgraph.publication import Publication
from rokgraph.web import assets, catalogue, discovery
from rokgraph.web.assets import Assets
from rokgraph.web.catalogue import CatalogueRoute, Counted
from rokgraph.web.completions import PATH as COMPLETIONS
from rokgraph.web.completions import Completions
from rokgraph.web.discovery import Discovery
from rokgraph.web.downloads import Downloads
from rokgraph.web.examples import PATH as EXAMPLES
from rokgraph.web.examples import Examples
from rokgraph.web.exchange import Service
from rokgraph.web.frame import Frame
from rokgraph.web.graphs import GraphStore
from rokgraph.web.http import CORS, Receive, Scope, Send, headers_of
from rokgraph.web.lookup import Lookup
from rokgraph.web.openapi import ADDRESS as OPENAPI
from rokgraph.web.openapi import OpenApi
from rokgraph.web.pages import drawing
from rokgraph.web.pages.drawing import Drawing
from rokgraph.web.pages.routes import VIEWS, Pages
from rokgraph.web.pages.subscription import Subscription
from rokgraph.web.pages.timeline import CALENDAR
from rokgraph.web.problems import HttpProblem, problem
from rokgraph.web.questions import Questions
from rokgraph.web.reconciliation import Reconciliation
from rokgraph.web.resources import SEGMENTS, Resources
from rokgraph.web.search import OpenSearch, Search
from rokgraph.web.sparql import SparqlEndpoint
from rokgraph.web.suggestions import Suggestions

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


_Route = Callable[[Scope, Receive, Send], Awaitable[None]]


class Site:
    """Dispatch: by whole path, then by first segment, everything else to the framework."""

    def __init__(self, service: Service, lookup: Lookup, counted: Counted, rest: FastAPI) -> None:
        """Take the parts."""
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
        self._paths[OPENAPI] = OpenApi(service, rest)
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
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        route: _Route | None = None
        if scope["type"] == "http":
            path = scope["path"]
            route = self._paths.get(path) or self._segments.get(path[1:].partition("/")[0])
        await (route or self._rest)(scope, receive, send)


def create_app(engine: Engine) -> Site:
    """The site over an engine that is prepared; it is started and closed with the server."""
    service = Service.over(engine)
    lookup = Lookup(service)
    publication = Publication(engine.settings, engine.summary)
    counted = Counted(service, publication)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await engine.start()
        lookup.begin()
        making = asyncio.create_task(publication.make())
        yield
        making.cancel()
        await publication.close()
        await engine.close()

    # No pages that load scripts from elsewhere: the OpenAPI document itself is enough.
    rest = FastAPI(
        title="rokgraph",
        version=str(__version__),
        lifespan=lifespan,
        openapi_url=None,  # the document of the whole site is a route of its own
        docs_url=None,
        redoc_url=None,
    )

    @rest.exception_handler(HTTPException)
    def refuse(request: Request, error: HTTPException) -> Response:
        detail = f"{request.method} of this address: {error.detail}."
        headers = {**CORS, **(error.headers or {})}
        told = HttpProblem(error.status_code, "address", error.detail, detail, headers)
        frame = Frame.of(request.scope, headers_of(request.scope), engine.summary)
        document = problem(told, request.headers.get("accept", ""), frame)
        return Response(document.body, document.status, document.headers)

    @rest.get("/healthz")
    def health() -> JSONResponse:
        """Whether the process runs, and on which dataset."""
        summary = engine.summary
        return JSONResponse({"status": "ok", "dataset": summary.digest, "triples": summary.size})

    @rest.get("/readyz")
    def ready() -> JSONResponse:
        """Whether queries can be answered now: 200 if so, else 503."""
        if engine.ready:
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "starting"}, 503, {"retry-after": "1"})

    @rest.get("/metrics", response_class=Response, include_in_schema=False)
    def metrics() -> Response:
        return Response(service.telemetry.exposed(), media_type=_METRICS_TYPE)

    return Site(service, lookup, counted, rest)
