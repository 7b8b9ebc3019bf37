"""The whole site as one ASGI application.

Rule: puts the parts together; the endpoint stands outside the framework, which costs more than
most queries.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from rokgraph import __version__
from rokgraph.engine import Engine
from rokgraph.errors import RokgraphError
from rokgraph.publication import Publication
from rokgraph.schema_org import schema_org
from rokgraph.web import catalogue, discovery
from rokgraph.web.catalogue import CatalogueRoute, Counted
from rokgraph.web.discovery import Discovery
from rokgraph.web.downloads import Downloads
from rokgraph.web.examples import PATH as EXAMPLES
from rokgraph.web.examples import Examples
from rokgraph.web.exchange import Service
from rokgraph.web.graphs import GraphStore
from rokgraph.web.http import CORS, SECURITY, Receive, Scope, Send, headers_of
from rokgraph.web.lookup import Lookup
from rokgraph.web.openapi import ADDRESS as OPENAPI
from rokgraph.web.openapi import OpenApi
from rokgraph.web.problems import HttpProblem, problem
from rokgraph.web.questions import Questions
from rokgraph.web.reconciliation import Reconciliation
from rokgraph.web.resources import SEGMENTS, Resources
from rokgraph.web.search import OpenSearch, Search
from rokgraph.web.sparql import SparqlEndpoint
from rokgraph.web.suggestions import Suggestions
from rokgraph.web.templating import render

_STATIC = Path(__file__).parent / "static"
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


_Route = Callable[[Scope, Receive, Send], Awaitable[None]]


class Site:
    """Dispatch: by whole path, then by first segment, everything else to the framework."""

    def __init__(self, service: Service, lookup: Lookup, counted: Counted, rest: FastAPI) -> None:
        """Take the parts."""
        endpoint, store = SparqlEndpoint(service), GraphStore(service)
        self._paths: dict[str, _Route] = {
            "/sparql": endpoint,
            "/sparql/": endpoint,
            "/graph-store": store,
            "/search": Search(service, lookup),
            "/opensearch.xml": OpenSearch(service),
            "/reconcile": Reconciliation(service, lookup),
        }
        self._segments: dict[str, _Route] = dict.fromkeys(SEGMENTS, Resources(service))
        self._segments["queries"] = Questions(service)
        self._paths[EXAMPLES] = Examples(service)
        self._paths[OPENAPI] = OpenApi(service, rest)
        self._paths |= dict.fromkeys(catalogue.PATHS, CatalogueRoute(service, counted))
        self._paths |= dict.fromkeys(discovery.PATHS, Discovery(service))
        self._segments[discovery.SEGMENT] = Discovery(service)
        self._segments["data"] = Downloads(service, counted.publication)
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
    rest.mount("/static", StaticFiles(directory=_STATIC))

    @rest.exception_handler(HTTPException)
    def refuse(request: Request, error: HTTPException) -> Response:
        detail = f"{request.method} of this address: {error.detail}."
        headers = {**CORS, **(error.headers or {})}
        told = HttpProblem(error.status_code, "address", error.detail, detail, headers)
        document = problem(told, request.headers.get("accept", ""), engine.summary.digest)
        return Response(document.body, document.status, document.headers)

    @rest.get("/", response_class=HTMLResponse, include_in_schema=False)
    async def home(request: Request) -> Response:
        try:
            base = service.base_url(request.scope, headers_of(request.scope))
            markup = schema_org(await counted.catalogue(), base)
        except RokgraphError:
            markup = None  # the page matters more
        page = render("home.html", title="rokgraph", digest=engine.summary.digest, markup=markup)
        return HTMLResponse(page, headers=SECURITY)

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
