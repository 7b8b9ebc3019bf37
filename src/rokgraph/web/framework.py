"""What the framework answers: how the server is, and that there is nothing at an address.

Rule: made when it is first asked, since to import it takes longer than many a first query.
"""

import asyncio
from typing import TYPE_CHECKING

from rokgraph import __version__
from rokgraph.errors import QueryTimeout, RokgraphError, TooManyQueries
from rokgraph.query import Query
from rokgraph.web.exchange import Service
from rokgraph.web.frame import Frame
from rokgraph.web.http import CORS, Receive, Scope, Send, headers_of
from rokgraph.web.problems import HttpProblem, problem

if TYPE_CHECKING:
    from fastapi import FastAPI

_PATIENCE = 0.8  # seconds in which an upstream must say that it is there; probes wait for 1
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Framework:
    """The ASGI application for what no route of ours answers."""

    def __init__(self, service: Service) -> None:
        """Answer for this service."""
        self._service = service
        self._made: FastAPI | None = None

    def application(self) -> "FastAPI":
        """The framework's own application; to have it made takes some tenths of a second."""
        if self._made is None:
            self._made = _application(self._service)
        return self._made

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._made is None:
            await asyncio.to_thread(self.application)
        await self.application()(scope, receive, send)


def _application(service: Service) -> "FastAPI":
    from fastapi import FastAPI, Request  # noqa: PLC0415 - see above
    from fastapi.responses import JSONResponse, Response  # noqa: PLC0415
    from starlette.exceptions import HTTPException  # noqa: PLC0415

    # No pages that load scripts from elsewhere: the OpenAPI document itself is enough.
    rest = FastAPI(
        title="rokgraph",
        version=str(__version__),
        openapi_url=None,  # the document of the whole site is a route of its own
        docs_url=None,
        redoc_url=None,
    )

    @rest.exception_handler(HTTPException)
    def refuse(request: Request, error: HTTPException) -> Response:
        detail = f"{request.method} of this address: {error.detail}."
        headers = {**CORS, **(error.headers or {})}
        told = HttpProblem(error.status_code, "address", error.detail, detail, headers)
        frame = Frame.of(request.scope, headers_of(request.scope), service.engine.summary)
        document = problem(told, request.headers.get("accept", ""), frame)
        return Response(document.body, document.status, document.headers)

    async def reached() -> bool:
        """Whether the endpoint behind this one answers, where there is one."""
        if service.engine.settings.upstream is None:
            return True
        try:
            await service.engine.answer(Query("ASK {}", graph_format=None), _PATIENCE)
        except RokgraphError as error:
            # not asked, since others are before it: nothing is known against the endpoint
            return type(error) in (QueryTimeout, TooManyQueries)
        return True

    @rest.get("/healthz")
    async def health() -> JSONResponse:
        """Whether the process runs, and on which dataset."""
        summary = service.engine.summary
        return JSONResponse({"status": "ok", "dataset": summary.digest, "triples": summary.size})

    @rest.get("/readyz")
    async def ready() -> JSONResponse:
        """Whether queries can be answered now: 200 if so, else 503."""
        if service.engine.ready and await reached():
            return JSONResponse({"status": "ready"})
        return JSONResponse({"status": "starting"}, 503, {"retry-after": "1"})

    @rest.get("/metrics", response_class=Response, include_in_schema=False)
    async def metrics() -> Response:  # not in a thread: what it reads changes with every query
        return Response(service.telemetry.exposed(), media_type=_METRICS_TYPE)

    return rest
