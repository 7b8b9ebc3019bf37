"""The whole site as one ASGI application.

Rule: puts the parts together; the endpoint stands outside the framework, which costs more than
most queries.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse

from rokgraph import __version__
from rokgraph.engine import Engine
from rokgraph.web.sparql import Receive, Scope, Send, SparqlEndpoint

_HOME = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>rokgraph</title>
<h1>rokgraph</h1>
<p>The Digital Strategy of Korea as a cited, validated knowledge graph. An independent research
graph, not a government site.</p>
<p>The SPARQL endpoint is <a href="/sparql">/sparql</a>.</p>
</html>
"""


class Site:
    """Dispatch: `/sparql` to the endpoint, everything else to the framework."""

    def __init__(self, endpoint: SparqlEndpoint, rest: FastAPI) -> None:
        """Take the two parts."""
        self._endpoint, self._rest = endpoint, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on."""
        if scope["type"] == "http" and scope["path"] in ("/sparql", "/sparql/"):
            await self._endpoint(scope, receive, send)
        else:
            await self._rest(scope, receive, send)


def create_app(engine: Engine) -> Site:
    """The site over an engine that is prepared; it is started and closed with the server."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await engine.start()
        yield
        await engine.close()

    rest = FastAPI(
        title="rokgraph", version=str(__version__), lifespan=lifespan, docs_url=None, redoc_url=None
    )

    @rest.get("/", response_class=HTMLResponse, include_in_schema=False)
    def home() -> str:
        return _HOME

    @rest.get("/healthz")
    def health() -> JSONResponse:
        """Whether the service runs, and on which dataset."""
        summary = engine.summary
        return JSONResponse({"status": "ok", "dataset": summary.digest, "triples": summary.size})

    return Site(SparqlEndpoint(engine), rest)
