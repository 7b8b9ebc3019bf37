"""The whole site as one ASGI application.

Rule: puts the parts together; the endpoint stands outside the framework, which costs more than
most queries.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from rokgraph import __version__
from rokgraph.engine import Engine
from rokgraph.web.exchange import Service
from rokgraph.web.graphs import GraphStore
from rokgraph.web.http import CORS, SECURITY, Receive, Scope, Send
from rokgraph.web.problems import HttpProblem, problem
from rokgraph.web.sparql import SparqlEndpoint
from rokgraph.web.templating import render

_STATIC = Path(__file__).parent / "static"
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Site:
    """Dispatch: the endpoint and the graph store, everything else to the framework."""

    def __init__(self, service: Service, rest: FastAPI) -> None:
        """Take the parts."""
        endpoint, store = SparqlEndpoint(service), GraphStore(service)
        self._routes: dict[str, Callable[[Scope, Receive, Send], Awaitable[None]]] = {
            "/sparql": endpoint,
            "/sparql/": endpoint,
            "/graph-store": store,
        }
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        route = self._routes.get(scope["path"]) if scope["type"] == "http" else None
        await (route or self._rest)(scope, receive, send)


def create_app(engine: Engine) -> Site:
    """The site over an engine that is prepared; it is started and closed with the server."""
    service = Service.over(engine)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await engine.start()
        yield
        await engine.close()

    # No pages that load scripts from elsewhere: the OpenAPI document itself is enough.
    rest = FastAPI(
        title="rokgraph", version=str(__version__), lifespan=lifespan, docs_url=None, redoc_url=None
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
    def home() -> Response:
        page = render("home.html", title="rokgraph", digest=engine.summary.digest)
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

    return Site(service, rest)
